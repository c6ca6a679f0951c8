//! Bytes in. A source frames what a sender sends, hands it over as [`trustfold_event::raw::Batch`]es and waits for the
//! receipt before it reads on: that wait is the backpressure.
//!
//! **Invariants:** a source never parses more than its framing needs, never buffers without a bound, and never drops
//! anything without counting it.

pub mod generate;
mod intake;
pub mod syslog;

pub use intake::{Intake, IntakeError, Receipt};
