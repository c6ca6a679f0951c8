//! What comes back after a crash: everything committed, in order, and nothing else.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, too")]

use proptest::prelude::*;
use std::fs;
use std::path::Path;
use trustfold_event::raw::{Batch, Format, Frame};
use trustfold_event::{Epoch, Stamp};
use trustfold_journal::{Journal, JournalError, JournalOptions, Recovered, segments};

fn frame(epoch: u64, payload: &[u8]) -> Frame {
    let mut batch = Batch::new("test", "", Format::Json);
    batch.push(payload);
    Frame { epoch: Epoch(epoch), process: 0, stamp: Stamp(epoch as i64), batches: vec![batch], control: None }
}

fn small() -> JournalOptions {
    JournalOptions { segment_bytes: 600, ..JournalOptions::default() }
}

fn open(dir: &Path) -> Result<(Journal, Recovered, Vec<Frame>), JournalError> {
    let mut frames = Vec::new();
    let (journal, recovered) = Journal::open(dir, small(), |f| frames.push(f))?;
    Ok((journal, recovered, frames))
}

/// Writes groups of frames; answers all frames.
fn write(dir: &Path, groups: &[usize]) -> Vec<Frame> {
    let (mut journal, _, mut all) = open(dir).unwrap();
    for group in groups {
        for _ in 0..*group {
            let epoch = journal.last_epoch().0 + 1;
            let next = frame(epoch, format!("payload {epoch}").repeat(epoch as usize % 7).as_bytes());
            journal.append(&next).unwrap();
            all.push(next);
        }
        journal.commit().unwrap();
    }
    all
}

proptest! {
    #[test]
    fn committed_frames_come_back_over_segments_and_reopenings(runs in proptest::collection::vec(proptest::collection::vec(0usize..4, 0..8), 1..4)) {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = Vec::new();
        for groups in &runs {
            expected = write(dir.path(), groups);
        }
        let (_journal, recovered, frames) = open(dir.path()).unwrap();
        prop_assert_eq!(recovered.cut_bytes, 0);
        prop_assert_eq!(frames, expected);
    }

    #[test]
    fn a_torn_tail_is_cut_at_the_last_whole_frame(groups in proptest::collection::vec(1usize..4, 1..6), cut: prop::sample::Index) {
        let dir = tempfile::tempdir().unwrap();
        let all = write(dir.path(), &groups);
        let last = segments(dir.path()).unwrap().pop().unwrap();
        let bytes = fs::read(&last.path).unwrap();
        fs::write(&last.path, &bytes[..cut.index(bytes.len())]).unwrap();
        let (mut journal, _, frames) = open(dir.path()).unwrap();
        prop_assert!(all.starts_with(&frames), "a prefix comes back");
        prop_assert!(frames.len() as u64 >= last.first.0 - 1, "earlier segments are whole");
        // And the journal goes on from there.
        let next = frame(journal.last_epoch().0 + 1, b"after the crash");
        journal.append(&next).unwrap();
        journal.commit().unwrap();
        drop(journal);
        let (_, recovered, again) = open(dir.path()).unwrap();
        prop_assert_eq!(recovered.cut_bytes, 0);
        prop_assert_eq!(again.last(), Some(&next));
        prop_assert_eq!(again.len(), frames.len() + 1);
    }
}

#[test]
fn a_flipped_byte_in_a_durable_frame_is_damage_and_never_cut() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[1, 1, 1]);
    let segment = segments(dir.path()).unwrap().pop().unwrap();
    let mut bytes = fs::read(&segment.path).unwrap();
    bytes[40] ^= 1;
    fs::write(&segment.path, &bytes).unwrap();
    match open(dir.path()) {
        Err(JournalError::Damaged { offset: 16, .. }) => {}
        other => panic!("expected damage at the first frame, got {other:?}"),
    }
    assert_eq!(fs::read(&segment.path).unwrap(), bytes, "nothing is cut");
}

#[test]
fn a_group_torn_in_its_middle_is_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let all = write(dir.path(), &[1, 3]);
    let segment = segments(dir.path()).unwrap().pop().unwrap();
    let mut bytes = fs::read(&segment.path).unwrap();
    // The second frame belongs to the group of the third and fourth: none of them was acknowledged.
    let second = bytes.windows(4).enumerate().filter(|(_, w)| w == b"TFRM").nth(1).unwrap().0;
    bytes[second + 50] ^= 1;
    fs::write(&segment.path, &bytes).unwrap();
    let (_, recovered, frames) = open(dir.path()).unwrap();
    assert_eq!(frames, all[..1]);
    assert!(recovered.cut_bytes > 0);
}

#[test]
fn what_was_decided_from_is_never_cut() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[1, 1, 1]);
    let segment = segments(dir.path()).unwrap().pop().unwrap();
    let mut bytes = fs::read(&segment.path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&segment.path, &bytes).unwrap();
    let known = JournalOptions { at_least: Epoch(3), ..small() };
    let refused = Journal::open(dir.path(), known, |_| {});
    assert!(matches!(refused, Err(JournalError::Short { ends: 2, needed: 3 })), "{refused:?}");
    assert_eq!(fs::read(&segment.path).unwrap(), bytes, "nothing is cut");
    let (_, recovered, frames) = open(dir.path()).unwrap();
    assert_eq!(frames.len(), 2);
    assert!(recovered.cut_bytes > 0, "where nothing is known of it, it is a torn tail");
}

#[test]
fn one_journal_has_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path()).unwrap();
    assert!(matches!(open(dir.path()), Err(JournalError::InUse { .. })));
}

#[test]
fn old_segments_go_and_the_rest_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    let all = write(dir.path(), &[2; 12]);
    let before = segments(dir.path()).unwrap();
    assert!(before.len() > 2);
    let (mut journal, _, _) = open(dir.path()).unwrap();
    let kept = before.last().unwrap().first;
    journal.delete_before(kept).unwrap();
    drop(journal);
    let (_, _, frames) = open(dir.path()).unwrap();
    assert_eq!(frames, all[kept.0 as usize - 1..]);
}
