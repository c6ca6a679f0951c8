//! The seam between the sources and the pipeline.

use std::future::Future;
use trustfold_event::raw::Batch;

/// What became of a batch that was taken in. Once a source holds it, the batch is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Records that were journaled.
    pub accepted: u64,
    /// Records left out because their sender had sent them before.
    pub duplicates: u64,
}

/// Why a batch was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The pipeline has no room now. Nothing of the batch was taken; it comes back, to be submitted again unchanged.
    #[error("the pipeline has no room for another batch; try again in {retry_after_secs} s")]
    Overloaded {
        /// Seconds to wait before the next try.
        retry_after_secs: u32,
        /// The batch, as it was submitted.
        batch: Box<Batch>,
    },
    /// The pipeline takes nothing more: it is closing, or its journal has failed.
    #[error("the pipeline takes nothing in: {0}")]
    Unavailable(String),
}

/// Where sources hand over what they have framed. The pipeline implements it; tests have their own.
pub trait Intake: Send + Sync + 'static {
    /// Hands over a batch and waits until it is durable.
    ///
    /// # Errors
    /// See [`IntakeError`].
    fn submit(&self, batch: Batch) -> impl Future<Output = Result<Receipt, IntakeError>> + Send;

    /// Counts `n` messages that `source` had framed and could not hand over; `code` says why, as a stable word.
    fn count_dropped(&self, source: &'static str, code: &'static str, n: u64);

    /// Keeps bytes that the framing itself refused. `code` is a stable word, `reason` a sentence for people, `raw` the bytes or
    /// their beginning.
    fn dead_letter(&self, source: &'static str, peer: &str, code: &'static str, reason: String, raw: &[u8]);
}
