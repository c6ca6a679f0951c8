//! The dataflow as a whole, against a sequential reference, on several worker counts.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod corrections;
mod documents;
mod draw;
mod log;
mod reference;
mod run;
mod same;
