//! trustfold: security events in, trust out. A journal, and a deterministic dataflow over it.
//!
//! Read the crates in journey order: `sources`, `journal`, `event`, `model`, `operators`, then this one, which puts them
//! together, `sinks`, and `web`. ARCHITECTURE.md is the map.

pub mod backend;
pub mod commands;
pub mod decisions;
pub mod dedup;
pub mod digest;
pub mod egress;
pub mod engine;
pub mod explain;
pub mod graph;
pub mod intake;
pub mod logging;
pub mod machine;
pub mod merge;
pub mod models;
pub mod mongo;
pub mod run;
pub mod sequencer;
pub mod settings;
pub mod sinks;
pub mod trainer;
pub mod views;
