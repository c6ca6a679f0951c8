//! The steps of an event's journey, in order: each a pure struct that holds the logic, and a thin timely shell.
//!
//! ```text
//! feed ── normalise ──(exchange by entity)── features ── judge ──┬── decisions ───────┐
//!             │                                                  └── ledger ── trust ─┤── collect
//!             └── rejects ──────────────────────────────────────────────────────────── ┘
//! ```
//!
//! **Invariant:** no clock, file or socket here. Time arrives as data in the epoch's [`head::Head`], so that a replay
//! gives the same bytes, on any number of workers.

pub mod collect;
pub mod control;
pub mod epochs;
pub mod feature_table;
pub mod features;
pub mod feed;
pub mod head;
pub mod judge;
pub mod ledger;
pub mod normalise;
pub mod output;
pub mod sample;
pub mod score;
