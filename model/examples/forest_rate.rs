//! Prints what the forest costs on this machine, single-threaded: rows scored a CPU second on each path, scored and
//! explained, and CPU milliseconds to fit. Run with `cargo run --release -p trustfold-model --example forest_rate`.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::hint::black_box;
use std::time::Instant;
use trustfold_model::{Backend, FitOptions, Forest, ForestOptions, Model, RarityCounts, Rng, TrainingSet};

const WIDTH: usize = 16;
const ROWS: usize = 1_000_000;
const FIT_ROWS: usize = 100_000;

/// Seconds that this thread has run on a processor; where the system does not say, seconds that have passed.
fn cpu_seconds(start: &Instant) -> f64 {
    let scheduled = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = scheduled.and_then(|s| s.split(' ').next()?.parse::<f64>().ok()).filter(|n| *n > 0.0);
    nanos.map_or_else(|| start.elapsed().as_secs_f64(), |n| n / 1e9)
}

/// The median cost of one run, in CPU seconds.
#[expect(clippy::disallowed_methods, reason = "a bench measures time; no result of the library depends on it")]
fn cost(runs: usize, repeats: usize, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut costs: Vec<f64> = (0..runs)
        .map(|_| {
            let before = cpu_seconds(&start);
            (0..repeats).for_each(|_| run());
            (cpu_seconds(&start) - before) / repeats as f64
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    costs[runs / 2]
}

/// Rows about zero, one in two hundred far out.
fn synthetic_rows(rows: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed, 0);
    let mut values = Vec::with_capacity(rows * WIDTH);
    for _ in 0..rows {
        let far = if rng.below(200) == 0 { 6.0 } else { 0.0 };
        values.extend((0..WIDTH).map(|_| ((0..6).map(|_| rng.unit()).sum::<f64>() * 1.4 - 4.2 + far) as f32));
    }
    values
}

fn main() {
    let rows = synthetic_rows(ROWS, 1);
    let options = ForestOptions { trees: 100, sample: 256, seed: 7 };
    let training = &rows[..FIT_ROWS * WIDTH];
    let Ok(forest) = Forest::fit(training, WIDTH, options) else { return };
    let fit = cost(9, 20, || drop(black_box(Forest::fit(black_box(training), WIDTH, options))));
    println!("fit, {FIT_ROWS} x {WIDTH}, 100 trees of 256: {:.2} CPU ms", fit * 1e3);

    let mut sums = Vec::new();
    for backend in Backend::available(WIDTH) {
        let seconds = cost(5, 1, || forest.path_sums_with(backend, black_box(&rows), &mut sums));
        println!("path sums, {backend:?}: {:.2} M rows a CPU second", ROWS as f64 / seconds / 1e6);
        for rows_a_batch in [1, 4, 32, 256] {
            let seconds = cost(5, 1, || {
                for batch in rows[..ROWS / 4 * WIDTH].chunks(rows_a_batch * WIDTH) {
                    forest.path_sums_with(backend, black_box(batch), &mut sums);
                }
            });
            println!(
                "path sums, {backend:?}, batches of {rows_a_batch}: {:.2} M rows a CPU second",
                (ROWS / 4) as f64 / seconds / 1e6
            );
        }
    }

    let set = TrainingSet {
        width: WIDTH,
        threshold_rows: 65_536,
        rows: rows[..65_536 * WIDTH].to_vec(),
        rarity: RarityCounts::new(4),
        events: ROWS as u64,
        entities: 1,
        marked_rows: 0,
        first_event: None,
        last_event: None,
    };
    let fit_options = FitOptions { trees: 100, tree_sample: 256, contamination: 0.005, seed: 7, feature_version: 1 };
    let Ok(model) = Model::fit(&set, fit_options) else { return };
    let model_fit = cost(5, 1, || drop(black_box(Model::fit(black_box(&set), fit_options))));
    println!("whole model of 65536 rows: {:.1} CPU ms, {} KiB", model_fit * 1e3, model.encode().len() / 1024);
    let bytes = model.encode();
    println!("decode: {:.1} CPU ms", cost(5, 4, || drop(black_box(Model::decode(black_box(&bytes))))) * 1e3);

    let mut scores = Vec::new();
    let seconds = cost(5, 1, || model.score_rows(black_box(&rows), &mut scores));
    println!("scores: {:.2} M rows a CPU second", ROWS as f64 / seconds / 1e6);
    let explained = ROWS / 10;
    let seconds = cost(5, 1, || {
        model.score_rows(black_box(&rows[..explained * WIDTH]), &mut scores);
        for row in rows[..explained * WIDTH].chunks_exact(WIDTH) {
            black_box(model.explain(row));
        }
    });
    println!("scores, every row explained: {:.3} M rows a CPU second", explained as f64 / seconds / 1e6);
    let threshold = model.threshold();
    let seconds = cost(5, 1, || {
        model.score_rows(black_box(&rows), &mut scores);
        for (row, _) in rows.chunks_exact(WIDTH).zip(&scores).filter(|(_, s)| f64::from(**s) > threshold) {
            black_box(model.explain(row));
        }
    });
    println!("scores, anomalies explained: {:.2} M rows a CPU second", ROWS as f64 / seconds / 1e6);
}
