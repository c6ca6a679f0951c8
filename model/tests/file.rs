//! Model files: whole, and damaged.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod common;

use common::{OPTIONS, small_model, tiny_model, training_set};
use proptest::prelude::*;
use trustfold_model::{FitError, FitOptions, ForestError, Model, ModelFileError, TrainingSet, digest};

/// The checksum made to fit again, so that what it guards is reached.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.len().checked_sub(4) {
        let sum = crc32c::crc32c(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum.to_le_bytes());
    }
    bytes
}

/// A file that is accepted must be one that works, and encodes to itself.
fn accepted_means_sound(bytes: &[u8]) {
    if let Ok(model) = Model::decode(bytes) {
        assert_eq!(model.encode(), bytes);
        let row = vec![0.5; model.forest().width()];
        let mut scores = Vec::new();
        model.score_rows(&row, &mut scores);
        let explained = model.explain(&row);
        assert_eq!(scores, [explained.score as f32]);
        assert!((0.0..=1.0).contains(&explained.score));
    }
}

#[test]
fn there_and_back() {
    for seed in 0..4 {
        let model = small_model(seed);
        let bytes = model.encode();
        let back = Model::decode(&bytes).unwrap();
        assert_eq!(back, model);
        assert_eq!(back.encode(), bytes);
        assert_eq!(back.digest(), digest(&bytes));
        assert_eq!(back.card(), model.card());
        let set = training_set(300, 3, 1, seed);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        model.score_rows(&set.rows, &mut a);
        back.score_rows(&set.rows, &mut b);
        assert_eq!(a, b);
    }
}

#[test]
fn the_same_set_gives_the_same_name() {
    let set = training_set(400, 5, 2, 9);
    let model = Model::fit(&set, OPTIONS).unwrap();
    assert_eq!(model.encode(), Model::fit(&set.clone(), OPTIONS).unwrap().encode());
    let named = |set: &TrainingSet, options| Model::fit(set, options).unwrap().digest().to_owned();
    let name = model.digest().to_owned();
    assert_ne!(named(&set, FitOptions { seed: 6, ..OPTIONS }), name);
    assert_ne!(named(&set, FitOptions { contamination: 0.1, ..OPTIONS }), name);
    assert_ne!(named(&TrainingSet { events: 1, ..set.clone() }, OPTIONS), name);
    let mut other = set;
    other.rows[17] += 0.5;
    assert_ne!(named(&other, OPTIONS), name);
}

/// The bits of a model, written down: another machine, compiler or dependency must not change them.
#[test]
fn a_known_name() {
    assert_eq!(small_model(0).digest(), include_str!("golden/small_model.sha256").trim());
}

#[test]
fn every_truncation_is_refused() {
    let bytes = tiny_model().encode();
    for n in 0..bytes.len() {
        assert!(Model::decode(&bytes[..n]).is_err(), "{n}");
        assert!(Model::decode(&sealed(bytes[..n].to_vec())).is_err(), "{n}, sealed");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(Model::decode(&longer).is_err());
    longer.extend([0; 3]);
    assert_eq!(Model::decode(&sealed(longer)).unwrap_err(), ModelFileError::Trailing);
}

#[test]
fn every_flipped_byte_is_refused_or_sound() {
    let bytes = tiny_model().encode();
    for at in 0..bytes.len() {
        for flip in [1u8, 2, 0x10, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            assert!(Model::decode(&damaged).is_err(), "{at}");
            accepted_means_sound(&sealed(damaged));
        }
    }
}

#[test]
fn a_flipped_byte_of_a_larger_file() {
    let bytes = small_model(2).encode();
    for at in (0..bytes.len()).step_by(211) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x40;
        assert!(Model::decode(&damaged).is_err(), "{at}");
        accepted_means_sound(&sealed(damaged));
    }
}

proptest! {
    #[test]
    fn hostile_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), known in 0usize..3) {
        let mut file = b"TFMODEL1\x01\0\0\0FACT".to_vec();
        file.truncate([0, 12, 16][known]);
        file.extend(bytes);
        accepted_means_sound(&file);
        accepted_means_sound(&sealed(file));
    }

    #[test]
    fn spliced_bytes(at in 0usize..4_000, with in prop::collection::vec(any::<u8>(), 1..12)) {
        let mut bytes = tiny_model().encode();
        let at = at % (bytes.len() - with.len());
        bytes[at..at + with.len()].copy_from_slice(&with);
        accepted_means_sound(&sealed(bytes));
    }
}

#[test]
fn refusals_say_why() {
    let bytes = small_model(0).encode();
    assert_eq!(Model::decode(b"TFMODEL2").unwrap_err(), ModelFileError::Magic);
    let mut other = bytes.clone();
    other[8] = 2;
    assert_eq!(Model::decode(&other).unwrap_err(), ModelFileError::Version(2));
    let mut other = bytes;
    other[100] ^= 1;
    assert_eq!(Model::decode(&other).unwrap_err(), ModelFileError::Checksum);

    let set = training_set(255, 3, 1, 0);
    assert_eq!(Model::fit(&set, OPTIONS).unwrap_err(), FitError::TooFewRows { have: 255, need: 256 });
    assert_eq!(
        Model::fit(&TrainingSet { rows: vec![], ..set }, OPTIONS).unwrap_err(),
        FitError::TooFewRows { have: 0, need: 256 }
    );
    let mut set = training_set(256, 3, 1, 0);
    assert!(matches!(Model::fit(&set, FitOptions { contamination: f64::NAN, ..OPTIONS }), Err(FitError::Contamination(_))));
    set.rows[7] = f32::NAN;
    assert_eq!(Model::fit(&set, OPTIONS).unwrap_err(), FitError::Forest(ForestError::NotFinite { row: 2, column: 1 }));
}

#[test]
fn the_card_tells_what_was_made() {
    let model = small_model(0);
    let card = model.card();
    assert_eq!((card.rows, card.events, card.entities, card.marked_rows, card.trees, card.tree_sample), (300, 600, 3, 1, 20, 64));
    assert_eq!(card.digest.len(), 64);
    let set = training_set(300, 3, 1, 0);
    let mut scores = Vec::new();
    model.score_rows(&set.rows, &mut scores);
    assert_eq!(scores.iter().filter(|s| f64::from(**s) > card.threshold).count(), 3);
    assert_eq!(serde_json::to_value(&card).unwrap()["threshold"], model.threshold());
    // What a rounded score says of a threshold, the explained one says too.
    for (row, score) in set.rows.chunks_exact(3).zip(&scores) {
        let explained = model.explain(row).score;
        assert_eq!(explained as f32, *score);
        assert!(f64::from(*score) <= card.threshold || explained > card.threshold);
    }
}
