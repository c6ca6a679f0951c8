//! The archive's folder: names, and how a file comes to be there whole or not at all.

use super::ArchiveError;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use trustfold_event::{Epoch, Stamp};

/// A published file. Its name says which epochs it covers, so that opening a large archive reads no file.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) path: PathBuf,
    pub(super) first: Epoch,
    pub(super) last: Epoch,
    /// How many rows it holds, once somebody has looked.
    pub(super) rows: OnceLock<u64>,
}

/// Wraps an I/O error with what was done to which path.
pub(super) fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |source| ArchiveError::Io { operation, path, source }
}

/// The hour that a stamp falls in, counted from 1970.
pub(super) fn hour(stamp: Stamp) -> i64 {
    stamp.0.div_euclid(3_600_000_000)
}

/// Where the events are, below the archive's folder.
pub(super) fn events(dir: &Path) -> PathBuf {
    dir.join("events")
}

/// Where events are that a reset has condemned.
fn condemned(dir: &Path) -> PathBuf {
    dir.join("events.deleted")
}

/// The partition of an hour: `date=2026-03-02/hour=07`, which DuckDB, Polars and Spark read as two columns.
pub(super) fn partition(dir: &Path, hour: i64) -> PathBuf {
    let c = Stamp(hour * 3_600_000_000).civil();
    events(dir).join(format!("date={:04}-{:02}-{:02}", c.year, c.month, c.day)).join(format!("hour={:02}", c.hour))
}

/// The name of the file that covers these epochs.
pub(super) fn name(first: Epoch, last: Epoch) -> String {
    format!("part-{:012}-{:012}.parquet", first.0, last.0)
}

fn epochs(name: &str) -> Option<(Epoch, Epoch)> {
    let (first, last) = name.strip_prefix("part-")?.strip_suffix(".parquet")?.split_once('-')?;
    let (first, last) = (Epoch(first.parse().ok()?), Epoch(last.parse().ok()?));
    (self::name(first, last) == name && first <= last).then_some((first, last))
}

/// Makes a folder durable: what was created, renamed or removed in it.
fn sync_folder(path: &Path) -> Result<(), ArchiveError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed("syncing", path))
}

/// Makes the folders from `root` down to `path`, each durable in its parent.
pub(super) fn make_folders(root: &Path, path: &Path) -> Result<(), ArchiveError> {
    if path.is_dir() {
        return Ok(());
    }
    if path != root
        && let Some(parent) = path.parent()
    {
        make_folders(root, parent)?;
    }
    match fs::create_dir(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(failed("making the folder", path)(e)),
        _ => {}
    }
    path.parent().filter(|_| path != root).map_or(Ok(()), sync_folder)
}

/// Publishes a file that was written as `temporary`: from now on it is there whole, also after a power cut.
pub(super) fn publish(file: &File, temporary: &Path, path: &Path) -> Result<(), ArchiveError> {
    file.sync_all().map_err(failed("syncing", temporary))?;
    fs::rename(temporary, path).map_err(failed("publishing", path))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// The published files, oldest first. Removes what a crash left behind: files that were being written, and events
/// that a reset had condemned.
pub(super) fn list(dir: &Path) -> Result<Vec<Published>, ArchiveError> {
    let gone = condemned(dir);
    if gone.exists() {
        fs::remove_dir_all(&gone).map_err(failed("removing", &gone))?;
    }
    let mut found = Vec::new();
    if events(dir).is_dir() {
        walk(&events(dir), 0, &mut found)?;
    }
    found.sort_by_key(|file| file.first);
    match found.windows(2).find(|pair| pair[0].last >= pair[1].first) {
        Some(pair) => Err(ArchiveError::Overlap(pair[0].path.clone(), pair[1].path.clone())),
        None => Ok(found),
    }
}

/// Files stand two folders deep: day, hour.
fn walk(folder: &Path, depth: usize, found: &mut Vec<Published>) -> Result<(), ArchiveError> {
    for entry in fs::read_dir(folder).map_err(failed("reading the folder", folder))? {
        let path = entry.map_err(failed("reading the folder", folder))?.path();
        if depth < 2 {
            if path.is_dir() {
                walk(&path, depth + 1, found)?;
            }
            continue;
        }
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if name.ends_with(".tmp") {
            fs::remove_file(&path).map_err(failed("removing", &path))?;
            tracing::info!(path = %path.display(), "removed an unfinished archive file; its events are in the journal");
        } else if let Some((first, last)) = epochs(name) {
            found.push(Published { path, first, last, rows: OnceLock::new() });
        }
    }
    Ok(())
}

/// Removes all files: at once, as far as a crash is concerned.
pub(super) fn remove_all(dir: &Path) -> Result<(), ArchiveError> {
    let (events, gone) = (events(dir), condemned(dir));
    if gone.exists() {
        fs::remove_dir_all(&gone).map_err(failed("removing", &gone))?;
    }
    if events.exists() {
        fs::rename(&events, &gone).map_err(failed("removing", &events))?;
        sync_folder(dir)?;
        fs::remove_dir_all(&gone).map_err(failed("removing", &gone))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_their_epochs_and_sort_by_them() {
        assert_eq!(epochs(&name(Epoch(7), Epoch(123_456_789_012))), Some((Epoch(7), Epoch(123_456_789_012))));
        for foreign in ["part-1-2.parquet", "part-000000000009-000000000008.parquet", "README", "part-.parquet"] {
            assert_eq!(epochs(foreign), None, "{foreign}");
        }
        assert_eq!(
            partition(Path::new("a"), hour(Stamp::parse("2026-03-02T07:59:59.999999Z").unwrap())),
            Path::new("a/events/date=2026-03-02/hour=07")
        );
        assert_eq!(hour(Stamp(-1)), -1);
    }
}
