//! The command line.
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let s = trustfold::commands::score::score(&trustfold::commands::score::ScoreOptions { events: a[1].clone().into(), train_first: 100_000, alerts: Some("/tmp/alerts.ndjson".into()), scores: Some("/tmp/scores.f32".into()), seed: 42, workers: a[2].parse().unwrap(), settings: Default::default() });
    println!("{:#?}", s.map_err(|e| e.to_string()));
}
