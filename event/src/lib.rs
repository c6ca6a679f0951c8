//! The shared words of trustfold: raw records, events, controls, documents, and the parsers that turn bytes into them.
//!
//! **Invariant:** no clock, file, socket or environment here. Time arrives as data, so a replay is exact.

pub mod control;
pub mod documents;
pub mod entity;
pub mod event;
pub mod hash;
mod id;
pub mod kind;
pub mod parse;
pub mod parsed;
pub mod points;
pub mod raw;
pub mod reject;
pub mod settings;
mod time;

pub use id::{CONTROL_INDEX, EventId, NotAnId};
pub use time::{Civil, Epoch, EventTime, Stamp, parse_rfc3339};
