use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use trustfold_event::EventTime;
use trustfold_event::entity::{Entity, EntityKind};
use trustfold_event::kind::{EventType, Kind, Outcome};

const HOUR: i64 = 3_600_000_000;

/// An event that owns what [`ArchivedRow`] borrows.
#[derive(Clone, Debug)]
struct Row {
    id: EventId,
    ingested: Stamp,
    session: Option<EventId>,
    score: Option<f32>,
    points: i64,
    raw: Vec<u8>,
    parsed: Parsed<'static>,
}

impl Row {
    /// A row that its place in the journal tells all about. No parser reads its bytes, so its columns are answered.
    fn new(epoch: u64, index: u32, ingested: Stamp) -> Self {
        let n = epoch * 31 + u64::from(index);
        let mut parsed = Parsed::new(if n % 9 == 8 { Kind::Log } else { Kind::Core(EventType::ALL[n as usize % 8]) });
        parsed.time = Some(EventTime(ingested.0 - n as i64));
        parsed.outcome = [Outcome::Unknown, Outcome::Success, Outcome::Failure][n as usize % 3];
        parsed.user = (!n.is_multiple_of(4)).then(|| ["alice", "o'brien", "日本 🦀", "nul\0"][n as usize % 3].into());
        parsed.host = (n % 5 > 1).then(|| format!("web-{}", n % 7).into());
        parsed.source_ip = (!n.is_multiple_of(3)).then(|| "10.0.0.1".into());
        parsed.destination_port = (!n.is_multiple_of(2)).then_some(n as u16);
        parsed.command = (n % 6 == 1).then(|| "cat \"/etc/shadow\"".into());
        Self {
            id: EventId::new(Epoch(epoch), index),
            ingested,
            // Sessions of six epochs, and in between epochs without one.
            session: (!epoch.is_multiple_of(6)).then(|| EventId::of_control(Epoch(epoch - epoch % 6))),
            score: n.is_multiple_of(2).then_some(n as f32 / 1000.0),
            points: (n % 4) as i64 * 1_234,
            raw: [b"\xff\0{".to_vec(), n.to_string().into_bytes()].concat(),
            parsed,
        }
    }

    fn archived(&self) -> ArchivedRow<'_> {
        ArchivedRow {
            id: self.id,
            ingested: self.ingested,
            session: self.session,
            score: self.score,
            is_anomaly: self.points > 0,
            trust_impact: MilliPoints(self.points),
            format: Format::Json,
            source: "http",
            raw: &self.raw,
            parsed: &self.parsed,
        }
    }

    fn stored(&self) -> StoredEvent {
        let (kind, name) = self.parsed.entity();
        StoredEvent {
            id: self.id,
            ts: self.parsed.time.unwrap(),
            ingested: self.ingested,
            session_id: self.session,
            event_type: self.parsed.kind.name().to_owned(),
            entity: Entity::new(kind, name),
            score: self.score,
            is_anomaly: self.points > 0,
            trust_impact: MilliPoints(self.points),
            event: self.parsed.to_ecs(self.id, self.ingested, "http"),
        }
    }
}

/// A closed epoch of the journal.
#[derive(Clone, Debug)]
struct Closed {
    epoch: Epoch,
    stamp: Stamp,
    rows: Vec<Row>,
}

fn give(archive: &Archive, closed: &Closed, shuffled: bool) {
    let rows: Vec<&Row> = if shuffled {
        // Another order, and one of them twice.
        closed.rows.iter().rev().chain(closed.rows.first()).collect()
    } else {
        closed.rows.iter().collect()
    };
    rows.iter().for_each(|row| archive.append(&row.archived()).unwrap());
    archive.close_epoch(closed.epoch, closed.stamp).unwrap();
}

fn expected(journal: &[Closed], session: Option<EventId>, limit: usize, before: Option<EventId>) -> Vec<StoredEvent> {
    let mut rows: Vec<&Row> = journal.iter().flat_map(|c| &c.rows).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    let wanted = |row: &&&Row| session.is_none_or(|s| row.session == Some(s)) && before.is_none_or(|b| row.id < b);
    rows.iter().filter(wanted).take(limit).map(|row| row.stored()).collect()
}

/// A few questions, for between any two steps.
fn assert_some(archive: &Archive, journal: &[Closed], probe: u64) {
    assert_eq!(archive.count().unwrap(), journal.iter().map(|c| c.rows.len() as u64).sum::<u64>());
    let session = EventId::of_control(Epoch(probe / 6 * 6));
    let somewhere = EventId::new(Epoch(probe), (probe % 9) as u32);
    for (session, limit, before) in [(None, 9, None), (Some(session), 9, None), (None, 3, Some(somewhere))] {
        assert_eq!(archive.events(session, limit, before).unwrap(), expected(journal, session, limit, before));
    }
}

/// All questions.
fn assert_same(archive: &Archive, journal: &[Closed], probe: u64) {
    let sessions = [None, Some(EventId::of_control(Epoch(probe / 6 * 6))), Some(EventId::of_control(Epoch(1 << 40)))];
    let somewhere = EventId::new(Epoch(probe), (probe % 9) as u32);
    assert_some(archive, journal, probe);
    for session in sessions {
        for before in [None, Some(somewhere)] {
            for limit in [0, 1, 7, 100_000] {
                let found = archive.events(session, limit, before).unwrap();
                assert_eq!(found, expected(journal, session, limit, before), "{session:?} {limit} {before:?}");
            }
        }
    }
    // Page by page it is the same, each once.
    let (mut paged, mut before) = (Vec::new(), None);
    while let page = archive.events(None, 5, before).unwrap()
        && !page.is_empty()
    {
        before = page.last().map(|e| e.id);
        paged.extend(page);
    }
    assert_eq!(paged, expected(journal, None, usize::MAX, None));
}

/// Names and bytes of all files.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let list = files::list(dir).unwrap();
    list.into_iter().map(|f| (f.path.strip_prefix(dir).unwrap().to_owned(), std::fs::read(&f.path).unwrap())).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Close {
        gap: u64,
        rows: u32,
        minutes: i64,
        shuffled: bool,
    },
    Flush,
    /// The process dies, perhaps while it writes a file, and replays what the journal has from `earlier` epochs below the
    /// watermark on.
    Crash {
        half_written: bool,
        earlier: u64,
    },
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let close = (1u64..4, 0u32..9, prop_oneof![3 => 0i64..5, 1 => 0i64..150], any::<bool>());
    prop_oneof![
        12 => close.prop_map(|(gap, rows, minutes, shuffled)| Step::Close { gap, rows, minutes, shuffled }),
        1 => Just(Step::Flush),
        3 => (any::<bool>(), 0u64..4).prop_map(|(half_written, earlier)| Step::Crash { half_written, earlier }),
        1 => Just(Step::Reset),
    ]
}

fn small() -> ArchiveOptions {
    ArchiveOptions { row_group_rows: 24, ..ArchiveOptions::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn holds_each_row_once_whatever_happens(steps in prop::collection::vec(step(), 1..30), probe in 0u64..80) {
        let (folder, undisturbed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dir = folder.path().join("archive");
        let mut archive = Archive::open(&dir, small()).unwrap();
        // The same epochs, flushes and resets without a crash.
        let calm = Archive::open(undisturbed.path(), small()).unwrap();
        let (mut journal, mut epoch, mut stamp) = (Vec::<Closed>::new(), 0, 30 * HOUR);
        for step in steps {
            match step {
                Step::Close { gap, rows, minutes, shuffled } => {
                    epoch += gap;
                    stamp += minutes * 60_000_000;
                    let rows = (0..rows).map(|i| Row::new(epoch, i * 3, Stamp(stamp))).collect();
                    journal.push(Closed { epoch: Epoch(epoch), stamp: Stamp(stamp), rows });
                    give(&archive, journal.last().unwrap(), shuffled);
                    give(&calm, journal.last().unwrap(), false);
                }
                Step::Flush => {
                    archive.flush().unwrap();
                    calm.flush().unwrap();
                }
                Step::Crash { half_written, earlier } => {
                    drop(archive);
                    if half_written {
                        let hour = files::partition(&dir, files::hour(Stamp(stamp)));
                        std::fs::create_dir_all(&hour).unwrap();
                        std::fs::write(hour.join("part-000000000001-000000000009.parquet.tmp"), b"PAR1 torn").unwrap();
                    }
                    archive = Archive::open(&dir, small()).unwrap();
                    let from = archive.watermark().0.saturating_sub(earlier);
                    journal.iter().filter(|c| c.epoch.0 > from).for_each(|closed| give(&archive, closed, false));
                }
                Step::Reset => {
                    archive.reset().unwrap();
                    calm.reset().unwrap();
                    journal.clear();
                    prop_assert_eq!(archive.watermark(), Epoch(0));
                }
            }
            assert_some(&archive, &journal, probe);
            prop_assert_eq!(archive.watermark(), calm.watermark());
        }
        assert_same(&archive, &journal, probe);
        prop_assert_eq!(contents(&dir), contents(undisturbed.path()), "files depend on the journal alone");
    }
}

/// An archive of `epochs` epochs of 1,000 rows, and its journal.
fn large(dir: &Path, options: ArchiveOptions, epochs: u64) -> (Archive, Vec<Closed>) {
    let archive = Archive::open(dir, options).unwrap();
    let closed = |epoch| {
        let stamp = Stamp(HOUR + epoch as i64);
        Closed { epoch: Epoch(epoch), stamp, rows: (0..1000).map(|i| Row::new(epoch, i, stamp)).collect() }
    };
    let journal: Vec<Closed> = (1..=epochs).map(closed).collect();
    journal.iter().for_each(|closed| give(&archive, closed, false));
    (archive, journal)
}

#[test]
fn many_pages_and_chunks_answer_as_few_do() {
    let folder = tempfile::tempdir().unwrap();
    let options = ArchiveOptions { row_group_rows: 15_000, ..ArchiveOptions::default() };
    let (archive, journal) = large(folder.path(), options, 22);
    assert_eq!(archive.watermark(), Epoch(15));
    for session in [None, Some(0), Some(6), Some(12), Some(18)].map(|s| s.map(|s| EventId::of_control(Epoch(s)))) {
        for before in [None, Some((20, 500)), Some((15, 3)), Some((12, 999)), Some((7, 0)), Some((1, 1))] {
            let before = before.map(|(epoch, index)| EventId::new(Epoch(epoch), index));
            for limit in [1, 300, 7_000] {
                let found = archive.events(session, limit, before).unwrap();
                assert!(found == expected(&journal, session, limit, before), "{session:?} {limit} {before:?}");
            }
        }
    }
}

#[test]
fn a_failed_publish_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path(), small()).unwrap();
    let blocker = folder.path().join("events");
    std::fs::write(&blocker, b"in the way").unwrap();
    let stamp = Stamp(HOUR);
    let closed = Closed { epoch: Epoch(1), stamp, rows: (0..30).map(|i| Row::new(1, i, stamp)).collect() };
    closed.rows.iter().for_each(|row| archive.append(&row.archived()).unwrap());
    assert!(matches!(archive.close_epoch(Epoch(1), stamp), Err(ArchiveError::Io { .. })));
    assert_eq!((archive.watermark(), archive.count().unwrap()), (Epoch(0), 30));
    std::fs::remove_file(&blocker).unwrap();
    archive.close_epoch(Epoch(1), stamp).unwrap();
    assert_eq!(archive.watermark(), Epoch(1));
    assert_same(&archive, &[closed], 3);
}

#[test]
fn rows_of_an_open_epoch_wait_for_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path(), small()).unwrap();
    let stamp = Stamp(HOUR);
    for epoch in [2, 1, 3] {
        archive.append(&Row::new(epoch, 0, stamp).archived()).unwrap();
    }
    assert_eq!(archive.events(None, 9, None).unwrap(), []);
    archive.close_epoch(Epoch(2), stamp).unwrap();
    archive.flush().unwrap();
    assert_eq!((archive.watermark(), archive.count().unwrap()), (Epoch(2), 2));
    archive.close_epoch(Epoch(3), stamp).unwrap();
    assert_eq!(archive.events(None, 9, None).unwrap().iter().map(|e| e.id.epoch.0).collect::<Vec<_>>(), [3, 2, 1]);
}

#[test]
fn readers_see_a_gapless_archive_while_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let options = ArchiveOptions { row_group_rows: 3_000, ..ArchiveOptions::default() };
    let archive = Archive::open(folder.path(), options).unwrap();
    let written_all = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let stamp = Stamp(HOUR);
            let written = (1..=200u64).try_for_each(|epoch| {
                (0..100).try_for_each(|i| archive.append(&Row::new(epoch, i, stamp).archived()))?;
                archive.close_epoch(Epoch(epoch), stamp)
            });
            written_all.store(true, std::sync::atomic::Ordering::Release);
            written.unwrap();
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while !written_all.load(std::sync::atomic::Ordering::Acquire) {
                    let ids: Vec<_> = archive.events(None, 5_000, None).unwrap().iter().map(|e| e.id).collect();
                    let newest = ids.first().map_or(0, |id| id.epoch.0);
                    let all = (1..=newest).rev().flat_map(|e| (0..100).rev().map(move |i| EventId::new(Epoch(e), i)));
                    assert!(ids.iter().copied().eq(all.take(5_000)), "whole epochs, each row once");
                }
            });
        }
    });
    assert_eq!(archive.count().unwrap(), 20_000);
}

#[test]
fn the_record_is_answered_where_a_parser_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path(), small()).unwrap();
    let raw = br#"{"timestamp":"2026-03-02T10:00:00.000Z","event_type":"login","user":"alice","host":"web-1","src_ip":"10.0.0.1","success":true}"#;
    let mut row = Row { raw: raw.to_vec(), ..Row::new(1, 0, Stamp(HOUR)) };
    row.parsed = Parsed::new(Kind::Core(EventType::Login));
    row.parsed.user = Some("alice".into());
    archive.append(&row.archived()).unwrap();
    archive.close_epoch(Epoch(1), Stamp(HOUR)).unwrap();
    let found = archive.events(None, 1, None).unwrap().remove(0);
    let read = trustfold_event::parse::parse(Format::Json, raw, row.ingested);
    if let Ok(parsed) = read {
        assert_eq!(found.event, parsed.to_ecs(row.id, row.ingested, "http"));
    }
    assert_eq!((found.entity, found.event["user"]["name"].as_str()), (Entity::new(EntityKind::User, "alice"), Some("alice")));
    assert_eq!(found.ts, EventTime(HOUR), "a record without a time happened when it was taken in");
}

#[test]
fn files_that_overlap_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let hour = files::partition(folder.path(), 5);
    std::fs::create_dir_all(&hour).unwrap();
    for name in [files::name(Epoch(1), Epoch(5)), files::name(Epoch(5), Epoch(6))] {
        std::fs::write(hour.join(name), b"").unwrap();
    }
    assert!(matches!(Archive::open(folder.path(), small()), Err(ArchiveError::Overlap(..))));
}
