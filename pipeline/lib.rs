//! trustfold: security events in, trust out. A journal, and a deterministic dataflow over it.
//!
//! Read the crates in journey order: `sources`, `journal`, `event`, `model`, `operators`, then this one, which puts them
//! together, `sinks`, and `web`. ARCHITECTURE.md is the map.

pub mod commands;
pub mod dedup;
pub mod digest;
pub mod engine;
pub mod explain;
pub mod graph;
pub mod machine;
pub mod merge;
pub mod models;
pub mod trainer;
pub mod decisions;
pub mod egress;
pub mod sequencer;
pub mod sinks;
pub mod views;
pub mod backend;
pub mod intake;
pub mod settings;
pub mod logging;
pub mod mongo;
pub mod run;
