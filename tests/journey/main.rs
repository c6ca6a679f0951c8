//! The dataflow as a whole, against a sequential reference, on several worker counts.

mod corrections;
mod documents;
mod draw;
mod log;
mod reference;
mod run;
mod same;
