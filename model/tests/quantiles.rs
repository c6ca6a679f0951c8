//! Quantiles against sorting and counting.

use proptest::prelude::*;
use trustfold_model::{Quantiles, QuantilesError};

proptest! {
    #[test]
    fn threshold_and_confidence(
        mut scores in prop::collection::vec(prop_oneof![0.3f32..0.9, (0u8..10).prop_map(|n| f32::from(n) / 16.0)], 1..5000),
        contamination in 0.0001f64..0.5,
        probes in prop::collection::vec(0.0f64..1.0, 20),
    ) {
        let quantiles = Quantiles::new(scores.clone(), contamination).unwrap();
        scores.sort_by(f32::total_cmp);
        let n = scores.len() as f64;
        let above = |t: f64| scores.iter().filter(|s| f64::from(**s) > t).count() as f64;
        let below = |t: f64| scores.iter().filter(|s| f64::from(**s) < t).count() as f64;

        // At its own contamination the threshold is exact: the lowest score that few enough exceed.
        let exact = scores[(scores.len() - (contamination * n) as usize).max(1) - 1];
        prop_assert_eq!(quantiles.threshold(contamination), f64::from(exact));
        let mut sorted = probes.clone();
        sorted.sort_by(f64::total_cmp);
        let mut last = f64::INFINITY;
        for c in &sorted {
            let t = quantiles.threshold(*c);
            prop_assert!(above(t) <= c * n);
            prop_assert!(t <= last);
            last = t;
        }

        let mut last = 0.0;
        for s in &sorted {
            let c = quantiles.confidence(*s);
            prop_assert!((last..=1.0).contains(&c));
            prop_assert!((c - below(*s) / n).abs() <= 2.0 / 1024.0 + 1.0 / n, "{} {}", c, below(*s) / n);
            last = c;
        }
        for s in scores.iter().step_by(97) {
            prop_assert!(quantiles.confidence(f64::from(*s)) <= below(f64::from(*s)) / n + 1.0 / 1024.0 + 1e-12);
        }
        prop_assert_eq!(quantiles.confidence(f64::from(scores[0])), 0.0);
        prop_assert_eq!(quantiles.confidence(1.5), 1.0);
        prop_assert_eq!(quantiles.confidence(f64::NAN), 0.0);
    }
}

#[test]
fn the_tail_is_fine() {
    let n = 1_000_000;
    let quantiles = Quantiles::new((1..=n).map(|i| i as f32 / n as f32).collect(), 0.005).unwrap();
    assert!(quantiles.ranks().len() < 2_000);
    for c in [0.1, 0.01, 0.005, 1e-3, 1e-4, 1e-5] {
        let share = 1.0 - quantiles.threshold(c);
        assert!(share <= c * 1.01 && share >= c * 0.95, "{c}: {share}");
    }
}

#[test]
fn refuses_what_is_none() {
    assert_eq!(Quantiles::new(vec![], 0.1), Err(QuantilesError::Empty));
    assert_eq!(Quantiles::new(vec![f32::NAN], 0.1), Err(QuantilesError::Scores));
    assert_eq!(Quantiles::from_parts(vec![2], vec![0.1]), Err(QuantilesError::Ranks));
    assert_eq!(Quantiles::from_parts(vec![1, 1], vec![0.1, 0.2]), Err(QuantilesError::Ranks));
    assert_eq!(Quantiles::from_parts(vec![1, 2], vec![0.3, 0.2]), Err(QuantilesError::Scores));
    assert_eq!(Quantiles::from_parts(vec![1], vec![1.1]), Err(QuantilesError::Scores));
}
