//! What the tests of this crate share: slow and plain counterparts, and data.
#![allow(dead_code, reason = "each test binary uses its part; an expectation would not hold in all of them")]

use trustfold_model::{FitOptions, Model, Node, RarityCounts, Rng, TrainingSet, Tree, average_path};

/// A tree as the paper draws it.
pub(crate) enum Plain {
    Inner { feature: usize, threshold: f32, left: Box<Plain>, right: Box<Plain> },
    Leaf { size: usize },
}

impl Plain {
    pub(crate) fn of(tree: &Tree) -> Self {
        fn next(nodes: &mut std::slice::Iter<'_, Node>) -> Plain {
            match *nodes.next().unwrap() {
                Node::Leaf { size } => Plain::Leaf { size: size as usize },
                Node::Split { feature, threshold } => {
                    let left = Box::new(next(nodes));
                    let right = Box::new(next(nodes));
                    Plain::Inner { feature: feature.into(), threshold, left, right }
                }
            }
        }
        next(&mut tree.nodes.iter())
    }

    /// The path length as the paper has it, in steps.
    pub(crate) fn path(&self, row: &[f32], depth: u32) -> (u32, usize) {
        match self {
            Self::Leaf { size } => (depth, *size),
            Self::Inner { feature, threshold, left, right } => {
                if row[*feature] > *threshold {
                    right.path(row, depth + 1)
                } else {
                    left.path(row, depth + 1)
                }
            }
        }
    }

    /// Rows at the leaves, and their path lengths added up, in fixed point.
    pub(crate) fn below(&self, depth: u32) -> (u64, u64) {
        match self {
            Self::Leaf { size } => (*size as u64, *size as u64 * u64::from(fixed(depth, *size))),
            Self::Inner { left, right, .. } => {
                let (l, r) = (left.below(depth + 1), right.below(depth + 1));
                (l.0 + r.0, l.1 + r.1)
            }
        }
    }
}

/// depth + c(size), in fixed point.
pub(crate) fn fixed(depth: u32, size: usize) -> u32 {
    depth * 65_536 + (average_path(size as u32) * 65_536.0).round() as u32
}

/// Grows a tree by the book: whole rows in lists, every feature's spread computed.
pub(crate) fn grow_plainly(rows: &[Vec<f32>], sample: usize, seed: u64, number: u64) -> Plain {
    let mut rng = Rng::new(seed, number);
    let mut chosen: Vec<usize> = Vec::new();
    for last in rows.len() - sample..rows.len() {
        let drawn = rng.below(last as u64 + 1) as usize;
        chosen.push(if chosen.contains(&drawn) { last } else { drawn });
    }
    let sampled = chosen.iter().map(|i| rows[*i].clone()).collect();
    let limit = (sample as f64).log2().ceil().max(1.0) as u32;
    branch(sampled, limit, &mut rng)
}

fn branch(rows: Vec<Vec<f32>>, levels: u32, rng: &mut Rng) -> Plain {
    let leaf = Plain::Leaf { size: rows.len() };
    if levels == 0 || rows.len() <= 1 {
        return leaf;
    }
    let width = rows[0].len();
    let spreads: Vec<(f32, f32)> = (0..width)
        .map(|f| {
            let column = || rows.iter().map(|r| r[f]);
            (column().fold(f32::MAX, f32::min), column().fold(f32::MIN, f32::max))
        })
        .collect();
    let mut features: Vec<usize> = (0..width).collect();
    while !features.is_empty() {
        let feature = features.swap_remove(rng.below(features.len() as u64) as usize);
        let (min, max) = spreads[feature];
        if min >= max {
            continue;
        }
        let drawn = (f64::from(min) + rng.unit() * (f64::from(max) - f64::from(min))) as f32;
        let drawn = if drawn >= max { min } else { drawn };
        if let Some(threshold) = nearest_carrier(drawn, feature, min, max, width) {
            let (left, right) = rows.into_iter().partition(|r| r[feature] <= threshold);
            return Plain::Inner {
                feature,
                threshold,
                left: Box::new(branch(left, levels - 1, rng)),
                right: Box::new(branch(right, levels - 1, rng)),
            };
        }
    }
    leaf
}

/// Walks the floats bit by bit: up to sixteen columns, a threshold's low four bits name the column. First within the
/// drawn value's own sixteen, then away from zero, then towards and past it.
fn nearest_carrier(drawn: f32, feature: usize, min: f32, max: f32, width: usize) -> Option<f32> {
    if width > 16 {
        return Some(drawn);
    }
    let within = |t: f32| (min..max).contains(&t).then_some(t);
    let own = (0..16).map(|low| f32::from_bits(drawn.to_bits() / 16 * 16 + low)).find(|t| t.to_bits() % 16 == feature as u32)?;
    let (mut out, mut inn) = (own, own);
    for _ in 0..16 {
        out = f32::from_bits(out.to_bits() + 1);
    }
    let steps_to_zero = own.to_bits() & 0x7fff_ffff;
    inn = if steps_to_zero < 16 { -inn } else { f32::from_bits(inn.to_bits() - 16) };
    within(own).or(within(out)).or(within(inn))
}

/// A number of about standard normal distribution: twelve uniform ones.
pub(crate) fn normal(rng: &mut Rng) -> f32 {
    ((0..12).map(|_| rng.unit()).sum::<f64>() - 6.0) as f32
}

/// The area under the ROC curve, ties counted half.
pub(crate) fn auroc(scored: &[(f64, bool)]) -> f64 {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut area, mut positives) = (0.0, 0.0, 0.0);
    for group in sorted.chunk_by(|a, b| a.0 == b.0) {
        let anomalous = group.iter().filter(|g| g.1).count() as f64;
        let normal = group.len() as f64 - anomalous;
        area += anomalous * (below + normal / 2.0);
        below += normal;
        positives += anomalous;
    }
    area / (positives * below)
}

pub(crate) const OPTIONS: FitOptions =
    FitOptions { trees: 20, tree_sample: 64, contamination: 0.01, seed: 5, feature_version: 1 };

/// A training set that follows from a seed.
pub(crate) fn training_set(rows: usize, width: usize, domains: usize, seed: u64) -> TrainingSet {
    let mut rng = Rng::new(seed, 99);
    let mut rarity = RarityCounts::new(domains);
    for _ in 0..rows {
        (0..domains).for_each(|d| rarity.add(d, rng.below(20)));
    }
    TrainingSet {
        width,
        threshold_rows: rows,
        rows: (0..rows * width).map(|_| normal(&mut rng)).collect(),
        rarity,
        events: rows as u64 * 2,
        entities: 3,
        marked_rows: 1,
        first_event: Some(trustfold_event::EventTime(1_000_000)),
        last_event: None,
    }
}

pub(crate) fn small_model(seed: u64) -> Model {
    Model::fit(&training_set(300, 3, 1, seed), OPTIONS).unwrap()
}

/// So small that each of its bytes can be damaged in turn.
pub(crate) fn tiny_model() -> Model {
    Model::fit(&training_set(256, 2, 0, 1), FitOptions { trees: 3, tree_sample: 8, ..OPTIONS }).unwrap()
}
