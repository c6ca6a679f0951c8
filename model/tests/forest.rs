//! The forest against slow and plain counterparts.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod common;

use common::{Plain, auroc, fixed, grow_plainly, normal};
use proptest::prelude::*;
use trustfold_model::{Backend, Forest, ForestError, ForestOptions, Node, Rng, Tree, TreeError};

/// Rows with what breaks growers: constant columns, few distinct values, duplicates, huge and tiny values, neighbouring floats.
fn awkward_rows(rows: usize, width: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut rng = Rng::new(seed, 1);
    let mut list: Vec<Vec<f32>> = Vec::new();
    for _ in 0..rows {
        if !list.is_empty() && rng.below(4) == 0 {
            let again = rng.below(list.len() as u64) as usize;
            list.push(list[again].clone());
            continue;
        }
        list.push(
            (0..width)
                .map(|f| match (f as u64 + seed) % 8 {
                    0 => 3.5,
                    1 => rng.below(3) as f32,
                    2 => normal(&mut rng) * 5e37,
                    3 => f32::from_bits(rng.below(40) as u32) * if rng.below(2) == 0 { 1.0 } else { -1.0 },
                    4 => f32::from_bits(1e6f32.to_bits() + rng.below(12) as u32),
                    5 => {
                        if rng.below(50) == 0 {
                            f32::MAX
                        } else {
                            f32::MIN
                        }
                    }
                    _ => normal(&mut rng),
                })
                .collect(),
        );
    }
    list
}

fn same(tree: &Plain, other: &Plain) -> bool {
    match (tree, other) {
        (Plain::Leaf { size: a }, Plain::Leaf { size: b }) => a == b,
        (
            Plain::Inner { feature: f, threshold: t, left: l, right: r },
            Plain::Inner { feature: g, threshold: u, left: m, right: s },
        ) => f == g && t == u && same(l, m) && same(r, s),
        _ => false,
    }
}

/// Everything a forest computes, against trees of boxes.
fn check(forest: &Forest, plain: &[Plain], queries: &[Vec<f32>]) {
    let flat = queries.concat();
    let want: Vec<u32> = queries
        .iter()
        .map(|row| plain.iter().map(|tree| tree.path(row, 0)).map(|(depth, size)| fixed(depth, size)).sum())
        .collect();
    let mut sums = Vec::new();
    forest.path_sums(&flat, &mut sums);
    assert_eq!(sums, want);
    for backend in Backend::available(forest.width()) {
        forest.path_sums_with(backend, &flat, &mut sums);
        assert_eq!(sums, want, "{backend:?}");
    }
    let expected: u64 = plain.iter().map(|tree| tree.below(0)).map(|(rows, sum)| (sum + rows / 2) / rows).sum();
    assert_eq!(forest.expected_sum(), expected);
    for (row, want) in queries.iter().zip(&want) {
        let (path_sum, moves) = forest.path_moves(row);
        assert_eq!(path_sum, u64::from(*want));
        assert_eq!(moves.iter().sum::<i64>(), path_sum as i64 - expected as i64);
        let explained = forest.explain(row);
        assert_eq!(explained.score, forest.score(*want));
        assert!((explained.base + explained.contributions.iter().sum::<f64>() - explained.score).abs() < 1e-9);
        // Shorter paths mean more anomalous.
        assert!(explained.contributions.iter().zip(&moves).all(|(c, m)| *m == 0 && *c == 0.0 || (*c > 0.0) == (*m < 0)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn equals_the_plain_forest(
        seed in any::<u64>(),
        rows in 2usize..200,
        width in prop_oneof![1usize..=20, Just(16usize), Just(256usize)],
        sample in prop_oneof![2u32..=70, Just(256u32)],
        trees in 1u32..40,
    ) {
        let list = awkward_rows(rows, width, seed);
        let forest = Forest::fit(&list.concat(), width, ForestOptions { trees, sample, seed }).unwrap();
        let sample = (sample as usize).min(rows);
        prop_assert_eq!(forest.sample() as usize, sample);
        let plain: Vec<Plain> = (0..u64::from(trees)).map(|n| grow_plainly(&list, sample, seed, n)).collect();
        for (tree, plain) in forest.trees().iter().zip(&plain) {
            prop_assert!(same(&Plain::of(tree), plain));
        }
        let mut queries = list;
        queries.extend(awkward_rows(31, width, seed ^ 1));
        check(&forest, &plain, &queries);
    }
}

#[test]
fn the_largest_shapes() {
    let mut rng = Rng::new(1, 1);
    let rows: Vec<Vec<f32>> = (0..5000).map(|_| (0..5).map(|_| normal(&mut rng)).collect()).collect();
    for (trees, sample) in [(33, 4096), (1000, 256), (7, 1000), (16, 2), (17, 3)] {
        let forest = Forest::fit(&rows.concat(), 5, ForestOptions { trees, sample, seed: 3 }).unwrap();
        let plain: Vec<Plain> = forest.trees().iter().map(Plain::of).collect();
        check(&forest, &plain, &rows[..150]);
    }
}

#[test]
fn not_a_number_and_infinity_score_alike_everywhere() {
    let rows = awkward_rows(300, 16, 6);
    let forest = Forest::fit(&rows.concat(), 16, ForestOptions { trees: 30, sample: 128, seed: 2 }).unwrap();
    let plain: Vec<Plain> = forest.trees().iter().map(Plain::of).collect();
    let queries: Vec<Vec<f32>> =
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX].iter().map(|x| vec![*x; 16]).collect();
    check(&forest, &plain, &queries);
}

#[test]
fn a_batch_scores_as_its_rows_do() {
    let rows = awkward_rows(400, 9, 11);
    let forest = Forest::fit(&rows.concat(), 9, ForestOptions { trees: 25, sample: 64, seed: 4 }).unwrap();
    let (mut whole, mut one) = (Vec::new(), Vec::new());
    forest.path_sums(&rows.concat(), &mut whole);
    for (row, sum) in rows.iter().zip(&whole) {
        forest.path_sums(row, &mut one);
        assert_eq!(one, [*sum]);
    }
    forest.path_sums(&[], &mut one);
    assert!(one.is_empty());
}

#[test]
fn separates_outliers_from_blobs() {
    for seed in 0..5 {
        let mut rng = Rng::new(seed, 7);
        let mut rows = Vec::new();
        let mut labels = Vec::new();
        for i in 0..2000 {
            let outlier = i % 50 == 0;
            let centre = if rng.below(2) == 0 { -3.0 } else { 3.0 };
            for _ in 0..6 {
                rows.push(if outlier { (rng.unit() * 24.0 - 12.0) as f32 } else { centre + normal(&mut rng) });
            }
            labels.push(outlier);
        }
        let forest = Forest::fit(&rows, 6, ForestOptions { trees: 100, sample: 256, seed }).unwrap();
        let mut sums = Vec::new();
        forest.path_sums(&rows, &mut sums);
        let scored: Vec<_> = sums.iter().map(|s| forest.score(*s)).zip(labels).collect();
        assert!(scored.iter().all(|(s, _)| (0.0..=1.0).contains(s)));
        let area = auroc(&scored);
        assert!(area > 0.95, "seed {seed}: {area}");
    }
}

#[test]
fn the_feature_that_stands_out_is_named() {
    let mut rng = Rng::new(4, 2);
    let mut rows: Vec<f32> = (0..1000 * 8).map(|_| normal(&mut rng)).collect();
    let forest = Forest::fit(&rows, 8, ForestOptions { trees: 100, sample: 256, seed: 1 }).unwrap();
    for feature in 0..8 {
        let row = &mut rows[..8];
        row.fill(0.0);
        row[feature] = 9.0;
        let parts = forest.explain(row).contributions;
        assert!(parts.iter().enumerate().all(|(f, c)| f == feature || *c < parts[feature]), "{feature}: {parts:?}");
        assert!(parts[feature] > 0.0);
    }
}

#[test]
fn refuses_what_it_cannot_use() {
    let options = ForestOptions { trees: 1, sample: 2, seed: 0 };
    let fit = |rows: &[f32], width, options| Forest::fit(rows, width, options).unwrap_err();
    assert_eq!(fit(&[1.0; 4], 0, options), ForestError::Width { width: 0 });
    assert_eq!(fit(&[1.0; 514], 257, options), ForestError::Width { width: 257 });
    assert_eq!(fit(&[1.0; 5], 2, options), ForestError::Ragged { values: 5, width: 2 });
    assert_eq!(fit(&[1.0; 2], 2, options), ForestError::TooFewRows { have: 1 });
    assert_eq!(fit(&[1.0; 4], 2, ForestOptions { trees: 0, ..options }), ForestError::Trees { trees: 0 });
    assert_eq!(fit(&[1.0; 4], 2, ForestOptions { sample: 1, ..options }), ForestError::Sample { sample: 1 });
    let mut rows = vec![1.0; 20_000];
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        rows[9_001] = bad;
        assert_eq!(fit(&rows, 2, options), ForestError::NotFinite { row: 4500, column: 1 });
    }
}

#[test]
fn refuses_broken_trees() {
    let leaf = Node::Leaf { size: 1 };
    let split = Node::Split { feature: 0, threshold: 0.0 };
    let cases = [
        (vec![], TreeError::Shape),
        (vec![split, leaf], TreeError::Shape),
        (vec![split, leaf, leaf, leaf], TreeError::Shape),
        (vec![leaf], TreeError::Leaves),
        (vec![split, Node::Leaf { size: 0 }, Node::Leaf { size: 2 }], TreeError::Leaves),
        (vec![split, split, leaf, leaf, leaf], TreeError::Height),
        (vec![Node::Split { feature: 1, threshold: 0.0 }, leaf, leaf], TreeError::Feature),
        (vec![Node::Split { feature: 0, threshold: f32::INFINITY }, leaf, leaf], TreeError::Threshold),
        (vec![Node::Split { feature: 0, threshold: f32::from_bits(1) }, leaf, leaf], TreeError::Threshold),
    ];
    for (nodes, error) in cases {
        let broken = Forest::from_trees(1, 2, vec![Tree { nodes }]);
        assert_eq!(broken.unwrap_err(), ForestError::Tree { number: 0, error });
    }
    assert!(Forest::from_trees(1, 2, vec![Tree { nodes: vec![split, leaf, leaf] }]).is_ok());
}

/// Rows are drawn evenly, and none twice.
#[test]
fn samples_are_even() {
    // One column of distinct powers: the smallest leaf-only structure would hide repeats, so distinct values must give full leaves.
    let rows: Vec<f32> = (0..40).map(|i| i as f32).collect();
    let mut lowest = [0u32; 40];
    for seed in 0..400 {
        let forest = Forest::fit(&rows, 1, ForestOptions { trees: 10, sample: 2, seed }).unwrap();
        for tree in forest.trees() {
            let [Node::Split { threshold, .. }, Node::Leaf { size: 1 }, Node::Leaf { size: 1 }] = tree.nodes[..] else {
                panic!("a row was drawn twice: {tree:?}")
            };
            lowest[threshold as usize] += 1;
        }
    }
    // The split of two evenly drawn points lies in [k, k+1) most often in the middle, and alike on both sides.
    let (low, high): (u32, u32) = (lowest[..20].iter().sum(), lowest[20..].iter().sum());
    assert!(low.abs_diff(high) < 400 && lowest[19] > 3 * lowest[0].max(1), "{lowest:?}");
}
