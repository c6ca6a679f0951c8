use std::path::PathBuf;

/// A journal operation failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refused.
    #[error("could not {action} \"{}\": {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A frame that was durable once cannot be read any more. Cutting it would lose acknowledged events.
    #[error(
        "\"{}\" is damaged at byte {offset}: {what}. Frames after it are whole, so this is no torn tail. \
         Restore the file from a copy, or move it and the later segments away to go on without their events.",
        path.display()
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// Less can be read than was decided from it already. Nothing is cut.
    #[error(
        "the journal ends at epoch {ends}, but what was decided from it reaches epoch {needed}: acknowledged events are missing. \
         Restore the journal from a copy, or start anew with another data_dir; nothing was changed"
    )]
    Short {
        /// The newest epoch that can be read.
        ends: u64,
        /// The newest that must be there.
        needed: u64,
    },
    /// Two processes must not write one journal.
    #[error("\"{}\" is in use by another trustfold process; stop it first (./stop.sh)", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The frame is larger than a reader would accept.
    #[error("a frame of {bytes} bytes is larger than the {max} that a reader accepts")]
    FrameTooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
}

impl JournalError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }
}
