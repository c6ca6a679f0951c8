//! Growing: one tree from one sample.

use crate::average::height_limit;
use crate::rng::Rng;
use crate::tree::{CARRIED_WIDTH, Node, Tree, carry};
use trustfold_event::hash::mix;

/// Grows trees, one after the other, in memory that it keeps.
pub(crate) struct Grower<'a> {
    rows: &'a [f32],
    width: usize,
    sample: usize,
    height: u32,
    seed: u64,
    chosen: Vec<u32>,
    taken: Vec<u32>,
    local: Vec<f32>,
    members: Vec<u16>,
    candidates: Vec<u8>,
}

const FREE: u32 = u32::MAX;

impl<'a> Grower<'a> {
    /// `rows` holds whole rows of `width` finite values, at least `sample` of them and fewer than 2^32 − 1.
    pub(crate) fn new(rows: &'a [f32], width: usize, sample: usize, seed: u64) -> Self {
        Self {
            rows,
            width,
            sample,
            height: height_limit(sample as u32),
            seed,
            chosen: Vec::with_capacity(sample),
            taken: vec![FREE; (sample * 2).next_power_of_two()],
            local: Vec::with_capacity(sample * width),
            members: Vec::with_capacity(sample),
            candidates: Vec::with_capacity(width),
        }
    }

    /// The tree of this number. It depends on nothing but the rows, the seed and the number.
    pub(crate) fn tree(&mut self, number: u32) -> Tree {
        let mut rng = Rng::new(self.seed, u64::from(number));
        self.draw(&mut rng);
        self.local.clear();
        for &row in &self.chosen {
            let start = row as usize * self.width;
            self.local.extend_from_slice(&self.rows[start..start + self.width]);
        }
        self.members.clear();
        self.members.extend(0..self.sample as u16);
        let mut nodes = Vec::with_capacity(2 * self.sample);
        self.node(0, self.sample, 0, &mut rng, &mut nodes);
        Tree { nodes }
    }

    /// Draws the sample without replacement and without looking at the rows it leaves out
    /// (Floyd, in Bentley and Floyd, "A sample of brilliance", 1987).
    fn draw(&mut self, rng: &mut Rng) {
        self.chosen.clear();
        self.taken.fill(FREE);
        let rows = (self.rows.len() / self.width) as u64;
        for last in rows - self.sample as u64..rows {
            let drawn = rng.below(last + 1) as u32;
            let row = if self.take(drawn) { drawn } else { last as u32 };
            if row != drawn {
                self.take(row);
            }
            self.chosen.push(row);
        }
    }

    /// Notes a row as taken; false where it was already. The table is at most half full, so a free slot comes.
    fn take(&mut self, row: u32) -> bool {
        let mask = self.taken.len() - 1;
        let mut slot = mix(u64::from(row)) as usize & mask;
        loop {
            if self.taken[slot] == row {
                return false;
            }
            if self.taken[slot] == FREE {
                self.taken[slot] = row;
                return true;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Grows what is below `members[from..to]`.
    fn node(&mut self, from: usize, to: usize, depth: u32, rng: &mut Rng, nodes: &mut Vec<Node>) {
        let split = if to - from > 1 && depth < self.height { self.split(from, to, rng) } else { None };
        let Some((feature, threshold)) = split else {
            nodes.push(Node::Leaf { size: (to - from) as u32 });
            return;
        };
        nodes.push(Node::Split { feature, threshold });
        let (width, local) = (self.width, &self.local);
        let members = &mut self.members[from..to];
        let mut left = 0;
        for i in 0..members.len() {
            let goes_left = local[usize::from(members[i]) * width + usize::from(feature)] <= threshold;
            members.swap(i, left);
            left += usize::from(goes_left);
        }
        self.node(from, from + left, depth + 1, rng, nodes);
        self.node(from + left, to, depth + 1, rng, nodes);
    }

    /// A feature, each with a spread equally likely, and a value between its least and greatest. Features are drawn
    /// without replacement until one has a spread, so that the others need not be looked at.
    fn split(&mut self, from: usize, to: usize, rng: &mut Rng) -> Option<(u8, f32)> {
        self.candidates.clear();
        self.candidates.extend((0..self.width).map(|f| f as u8));
        while !self.candidates.is_empty() {
            let pick = rng.below(self.candidates.len() as u64) as usize;
            let feature = self.candidates.swap_remove(pick);
            let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
            for &member in &self.members[from..to] {
                let x = self.local[usize::from(member) * self.width + usize::from(feature)];
                min = if x < min { x } else { min };
                max = if x > max { x } else { max };
            }
            if min < max {
                let value = between(min, max, rng.unit());
                let fits = if self.width <= CARRIED_WIDTH { carry(value, feature, min, max) } else { Some(value) };
                if let Some(threshold) = fits {
                    return Some((feature, threshold));
                }
            }
        }
        None
    }
}

/// The point at `part` of the way from `min` to `max`, in [min, max), so that both sides get a row.
pub(crate) fn between(min: f32, max: f32, part: f64) -> f32 {
    // In f64 the difference of two f32 cannot overflow; rounding back to f32 may reach max.
    let value = (f64::from(min) + part * (f64::from(max) - f64::from(min))) as f32;
    if min <= value && value < max { value } else { min }
}
