//! Trees laid out for descent: every tree is filled up to a perfect one of the height limit, and a node's index is its
//! place in the heap (root 1, left 2i, right 2i + 1). A filler's threshold is +∞, which nothing exceeds, so that a row
//! that has reached its leaf goes on to the left; `2^height` such nodes and as many ends make a tree.

use crate::average::{FIXED_ONE, average_paths_fixed, height_limit};
use crate::tree::{Node, Tree};

/// The bits of a filler's threshold, +∞; as a carried feature it names column 0, which is always there.
pub(crate) const FILLER: u32 = 0x7f80_0000;

/// The laid-out trees. Slices of one tree are `ends` long, `2 · ends` for `expected`.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// 2^height: ends of a tree, and one more than its inner nodes.
    pub(crate) ends: usize,
    /// Bits of the thresholds, by heap index; index 0 is not used.
    pub(crate) thresholds: Vec<u32>,
    /// Features of the splits, by heap index.
    pub(crate) features: Vec<u8>,
    /// Path lengths at the ends, fixed point, by heap index − ends.
    pub(crate) leaves: Vec<u32>,
    /// The mean path length of the sample's rows below a node, fixed point, by heap index; at an end, its path length.
    pub(crate) expected: Vec<u32>,
    /// Sum over trees of the root's expectation.
    pub(crate) root_sum: u64,
}

impl Tables {
    /// Lays out trees that were checked against `sample`.
    pub(crate) fn new(trees: &[Tree], sample: u32) -> Self {
        let height = height_limit(sample);
        let ends = 1usize << height;
        let averages = average_paths_fixed(sample);
        let count = trees.len();
        let mut tables = Self {
            ends,
            thresholds: vec![FILLER; count * ends],
            features: vec![0; count * ends],
            leaves: vec![0; count * ends],
            expected: vec![0; count * 2 * ends],
            root_sum: 0,
        };
        for (number, tree) in trees.iter().enumerate() {
            let mut layout = Layout { tables: &mut tables, averages: &averages, tree: number, height };
            layout.place(&mut tree.nodes.iter(), 1, 0);
            tables.root_sum += u64::from(tables.expected[number * 2 * ends + 1]);
        }
        tables
    }
}

struct Layout<'a> {
    tables: &'a mut Tables,
    averages: &'a [u32],
    tree: usize,
    height: u32,
}

impl Layout<'_> {
    /// Places the next node and all below it at `at`; gives the rows below and the sum of their path lengths.
    fn place<'n>(&mut self, nodes: &mut impl Iterator<Item = &'n Node>, at: usize, depth: u32) -> (u64, u64) {
        let ends = self.tables.ends;
        // A checked tree never runs out of nodes; an empty leaf keeps this total all the same.
        match nodes.next().copied().unwrap_or(Node::Leaf { size: 0 }) {
            Node::Split { feature, threshold } => {
                self.tables.thresholds[self.tree * ends + at] = threshold.to_bits();
                self.tables.features[self.tree * ends + at] = feature;
                let left = self.place(nodes, 2 * at, depth + 1);
                let right = self.place(nodes, 2 * at + 1, depth + 1);
                let (rows, sum) = (left.0 + right.0, left.1 + right.1);
                // Rounded from the exact sum. An explanation adds differences along a path, which telescope whatever the rounding.
                self.tables.expected[self.tree * 2 * ends + at] = ((sum + rows / 2) / rows.max(1)) as u32;
                (rows, sum)
            }
            Node::Leaf { size } => {
                let path = depth * FIXED_ONE + self.averages.get(size as usize).copied().unwrap_or(0);
                let (mut first, mut last) = (at, at);
                for _ in depth..=self.height {
                    self.tables.expected[self.tree * 2 * ends..][first..=last].fill(path);
                    (first, last) = (2 * first, 2 * last + 1);
                }
                let end = (at << (self.height - depth)) - ends;
                self.tables.leaves[self.tree * ends..][end..end + (1 << (self.height - depth))].fill(path);
                (u64::from(size), u64::from(size) * u64::from(path))
            }
        }
    }
}
