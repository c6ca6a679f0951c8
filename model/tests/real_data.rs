//! How well anomalies are found in labelled tables (ADBench), against a reference implementation's figures.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod common;

use common::auroc;
use std::io::{Cursor, Read};
use std::path::Path;
use trustfold_model::{Forest, ForestOptions, Rng};

/// A table of `.npy`: shape, and values in row order (NumPy Enhancement Proposal 1).
fn npy(bytes: &[u8]) -> (Vec<usize>, Vec<f64>) {
    assert_eq!(&bytes[..6], b"\x93NUMPY");
    let (start, length) = match bytes[6] {
        1 => (10, usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))),
        _ => (12, u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize),
    };
    let header = std::str::from_utf8(&bytes[start..start + length]).unwrap();
    let after = |key: &str| header.split(key).nth(1).unwrap();
    let shape: Vec<usize> =
        after("'shape': (").split(')').next().unwrap().split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let values = &bytes[start + length..];
    let read: Vec<f64> = match after("'descr': '").split('\'').next().unwrap() {
        "<f8" => values.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        "<f4" => values.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
        "<i8" => values.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
        "<i4" => values.as_chunks().0.iter().map(|b| f64::from(i32::from_le_bytes(*b))).collect(),
        "|u1" => values.iter().map(|b| f64::from(*b)).collect(),
        other => panic!("unknown type {other}"),
    };
    assert_eq!(read.len(), shape.iter().product::<usize>());
    if header.contains("'fortran_order': True") && shape.len() == 2 {
        let (rows, columns) = (shape[0], shape[1]);
        let transposed = (0..rows * columns).map(|i| read[i % columns * rows + i / columns]).collect();
        return (shape, transposed);
    }
    (shape, read)
}

fn mean_auroc(rows: &[f32], width: usize, anomalous: &[bool]) -> f64 {
    let area = |seed| {
        let forest = Forest::fit(rows, width, ForestOptions { trees: 100, sample: 256, seed }).unwrap();
        let mut sums = Vec::new();
        forest.path_sums(rows, &mut sums);
        let scored: Vec<_> = sums.iter().map(|s| forest.score(*s)).zip(anomalous.iter().copied()).collect();
        auroc(&scored)
    };
    (0..10).map(area).sum::<f64>() / 10.0
}

#[test]
fn finds_anomalies_as_well_as_the_reference() {
    // Without the tables, `finds_anomalies_in_a_table_of_its_own` still tests something.
    let Some(folder) = std::env::var_os("TRUSTFOLD_TESTDATA") else { return };
    let folder = Path::new(&folder).join("anomaly_tabular");
    let baselines: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("BASELINES.json")).unwrap()).unwrap();
    for (name, baseline) in baselines.as_object().unwrap() {
        let archive = std::fs::read(folder.join(format!("adbench_{name}.npz"))).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
        let mut read = |name: &str| {
            let mut bytes = Vec::new();
            archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
            npy(&bytes)
        };
        let ((shape, x), (_, y)) = (read("X.npy"), read("y.npy"));
        let rows: Vec<f32> = x.into_iter().map(|x| x as f32).collect();
        let anomalous: Vec<bool> = y.into_iter().map(|y| y != 0.0).collect();
        assert_eq!(anomalous.iter().filter(|a| **a).count() as u64, baseline["anomalies"].as_u64().unwrap());
        let (area, reference) = (mean_auroc(&rows, shape[1], &anomalous), baseline["auroc_mean"].as_f64().unwrap());
        println!("{name}: mean AUROC {area:.4}, reference {reference:.4}");
        assert!(area >= reference - 0.01, "{name}: {area} against {reference}");
    }
}

/// A ring of anomalies around a crescent of normal rows, where no single column tells them apart.
#[test]
fn finds_anomalies_in_a_table_of_its_own() {
    let mut rng = Rng::new(2, 3);
    let mut rows = Vec::new();
    let mut anomalous = Vec::new();
    for i in 0..3000 {
        let outlier = i % 60 == 0;
        let angle = rng.unit() * std::f64::consts::PI;
        let radius = if outlier { 6.0 + 2.0 * rng.unit() } else { 3.0 + 0.3 * f64::from(common::normal(&mut rng)) };
        rows.extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32, common::normal(&mut rng)]);
        anomalous.push(outlier);
    }
    let area = mean_auroc(&rows, 3, &anomalous);
    assert!(area > 0.95, "{area}");
}
