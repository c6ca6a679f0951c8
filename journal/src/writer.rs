//! Appending: frames are encoded into one buffer, written and synced as a group, and only then acknowledged.

use crate::codec::{FRAME_BYTES_MAX, encode_frame};
use crate::error::JournalError;
use crate::reader::{SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, Segment, read_segment, segment_path, segments};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use trustfold_event::raw::Frame;
use trustfold_event::{Epoch, Stamp};

/// How the journal is laid out.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// A segment is closed once it is longer than this.
    pub segment_bytes: u64,
    /// The newest epoch that is known to have been durable, from what was decided from it. A journal that ends before it
    /// is refused, and its tail is not cut: what cannot be read there is no torn write but damage.
    pub at_least: Epoch,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self { segment_bytes: 256 << 20, at_least: Epoch(0) }
    }
}

/// What stood in the journal when it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Frames that were read.
    pub frames: u64,
    /// Bytes of a torn tail that were cut off.
    pub cut_bytes: u64,
}

/// The writing end. One process, one thread.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    options: JournalOptions,
    file: Option<File>,
    path: PathBuf,
    /// Length of the current segment that is known to be whole.
    length: u64,
    /// Bytes that the next commit writes, at `length`.
    pending: Vec<u8>,
    last_epoch: Epoch,
    last_stamp: Stamp,
    /// Held for the journal's life, so that two processes never write one journal.
    _lock: File,
}

impl Journal {
    /// Opens the journal in `dir`, which is created where it is missing, hands every frame to `each` in order, and
    /// cuts a torn tail.
    ///
    /// # Errors
    /// Damage (see [`read_segment`]), another process at work, or a directory that cannot be written.
    pub fn open(dir: &Path, options: JournalOptions, mut each: impl FnMut(Frame)) -> Result<(Self, Recovered), JournalError> {
        fs::create_dir_all(dir).map_err(|e| JournalError::io("create", dir, e))?;
        let lock = lock(dir)?;
        let found = segments(dir)?;
        let mut recovered = Recovered::default();
        let (mut last_epoch, mut last_stamp) = (Epoch(0), Stamp(0));
        let mut current = None;
        for (i, segment) in found.iter().enumerate() {
            if i > 0 && segment.first.0 != last_epoch.0 + 1 {
                let what = format!("it begins at epoch {}, but the segment before it ends at {}", segment.first.0, last_epoch.0);
                return Err(JournalError::Damaged { path: segment.path.clone(), offset: 0, what });
            }
            let last = i + 1 == found.len();
            // The last segment's first epoch stands in its name even where a crash left it without a frame.
            last_epoch = Epoch(segment.first.0.saturating_sub(1));
            let whole = read_segment(segment, last, |frame| {
                (last_epoch, last_stamp) = (frame.epoch, last_stamp.max(frame.stamp));
                recovered.frames += 1;
                each(frame);
            })?;
            if last {
                current = Some((segment.clone(), whole));
            }
        }
        if last_epoch < options.at_least {
            return Err(JournalError::Short { ends: last_epoch.0, needed: options.at_least.0 });
        }
        let mut journal = Self {
            dir: dir.into(),
            options,
            file: None,
            path: dir.into(),
            length: 0,
            pending: Vec::new(),
            last_epoch,
            last_stamp,
            _lock: lock,
        };
        if let Some((segment, whole)) = current {
            recovered.cut_bytes = journal.reopen(&segment, whole)?;
        }
        Ok((journal, recovered))
    }

    fn reopen(&mut self, segment: &Segment, whole: u64) -> Result<u64, JournalError> {
        let path = &segment.path;
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| JournalError::io("open", path, e))?;
        let length = file.metadata().map_err(|e| JournalError::io("read", path, e))?.len();
        if length > whole {
            file.set_len(whole).map_err(|e| JournalError::io("cut", path, e))?;
            file.sync_all().map_err(|e| JournalError::io("sync", path, e))?;
        }
        if whole == 0 {
            self.pending = segment_header(segment.first);
        }
        (self.file, self.path, self.length) = (Some(file), path.clone(), whole);
        Ok(length - whole)
    }

    /// The newest epoch, durable or pending; 0 where there is none.
    pub fn last_epoch(&self) -> Epoch {
        self.last_epoch
    }

    /// The newest stamp. A new frame's must not lie before it.
    pub fn last_stamp(&self) -> Stamp {
        self.last_stamp
    }

    /// Adds a frame to the group that the next [`Journal::commit`] makes durable.
    ///
    /// # Errors
    /// Where the frame is larger than a reader would accept, or a new segment cannot be begun.
    ///
    /// # Panics
    /// In debug builds, where the epoch is not the next one or the stamp goes back.
    pub fn append(&mut self, frame: &Frame) -> Result<(), JournalError> {
        debug_assert_eq!(frame.epoch.0, self.last_epoch.0 + 1, "epochs are contiguous");
        debug_assert!(frame.stamp >= self.last_stamp, "stamps never go back");
        if self.file.is_none() || (self.length >= self.options.segment_bytes && self.pending.is_empty()) {
            self.begin_segment(frame.epoch)?;
        }
        let before = self.pending.len();
        encode_frame(frame, self.length, &mut self.pending);
        let bytes = self.pending.len() - before;
        if bytes > FRAME_BYTES_MAX {
            self.pending.truncate(before);
            return Err(JournalError::FrameTooLarge { bytes, max: FRAME_BYTES_MAX });
        }
        (self.last_epoch, self.last_stamp) = (frame.epoch, frame.stamp);
        Ok(())
    }

    /// Writes and syncs everything appended since the last commit. When this returns, it survives a crash.
    ///
    /// # Errors
    /// The disk refused. Nothing of the group may be acknowledged, and the journal must not be written any more: what
    /// the disk holds is not known until it is opened again.
    pub fn commit(&mut self) -> Result<(), JournalError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let Some(file) = &self.file else { return Ok(()) };
        file.write_all_at(&self.pending, self.length).map_err(|e| JournalError::io("write", &self.path, e))?;
        file.sync_data().map_err(|e| JournalError::io("sync", &self.path, e))?;
        self.length += self.pending.len() as u64;
        self.pending.clear();
        // One outsized group must not hold its memory for ever.
        self.pending.shrink_to(8 << 20);
        Ok(())
    }

    /// Closes the current segment, so that the next frame begins one of its own. Commit first.
    pub fn roll(&mut self) {
        debug_assert!(self.pending.is_empty(), "commit before rolling");
        self.file = None;
    }

    /// Deletes the segments whose frames all lie before `epoch`.
    ///
    /// # Errors
    /// Where a file cannot be deleted.
    pub fn delete_before(&mut self, epoch: Epoch) -> Result<(), JournalError> {
        let found = segments(&self.dir)?;
        for pair in found.windows(2) {
            if pair[1].first <= epoch {
                fs::remove_file(&pair[0].path).map_err(|e| JournalError::io("delete", &pair[0].path, e))?;
            }
        }
        sync_dir(&self.dir)
    }

    fn begin_segment(&mut self, first: Epoch) -> Result<(), JournalError> {
        let path = segment_path(&self.dir, first);
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|e| JournalError::io("create", &path, e))?;
        sync_dir(&self.dir)?;
        self.pending.extend_from_slice(&segment_header(first));
        (self.file, self.path, self.length) = (Some(file), path, 0);
        Ok(())
    }
}

fn segment_header(first: Epoch) -> Vec<u8> {
    let mut header = Vec::with_capacity(SEGMENT_HEADER_BYTES);
    header.extend_from_slice(SEGMENT_MAGIC);
    header.extend_from_slice(&first.0.to_le_bytes());
    header
}

fn lock(dir: &Path) -> Result<File, JournalError> {
    let path = dir.join("LOCK");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|e| JournalError::io("write", &path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse { path }),
        Err(TryLockError::Error(e)) => Err(JournalError::io("lock", path, e)),
    }
}

/// Makes the names in a directory durable.
fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| JournalError::io("sync", dir, e))
}
