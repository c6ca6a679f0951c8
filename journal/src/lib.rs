//! The journal: one append-only sequence of frames, in segments, each frame durable before anyone is told so.
//!
//! ```text
//! data/journal/00000000000000000001.journal     named after its first epoch
//!   "TFJRNL01"  first epoch u64
//!   frame frame frame …                          see `codec`
//! ```
//!
//! **Invariants.** Epochs are contiguous within a generation, over all segments. Stamps never go back. What stands
//! before the last successful [`Journal::commit`] survives a crash; what stands after it was never acknowledged.

mod codec;
mod error;
mod reader;
mod writer;

pub use codec::{FRAME_BYTES_MAX, decode_frame, encode_frame};
pub use error::JournalError;
pub use reader::{Segment, read_segment, segments};
pub use writer::{Journal, JournalOptions, Recovered};
