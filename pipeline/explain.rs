//! From contributions to reasons that a person can read.

use trustfold_event::documents::Reason;
use trustfold_model::Model;
use trustfold_operators::feature_table::{FEATURES, WIDTH};

/// The reasons of a score, the largest part first.
pub fn reasons(features: &[f32; WIDTH], contributions: &[f64; WIDTH], model: &Model) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = FEATURES
        .iter()
        .enumerate()
        .map(|(column, row)| Reason {
            feature: row.name.into(),
            meaning: row.meaning.into(),
            value: f64::from(features[column]),
            unit: row.unit.into(),
            usual: f64::from(model.usual().median(column)),
            contribution: contributions[column],
        })
        .collect();
    reasons.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    reasons
}
