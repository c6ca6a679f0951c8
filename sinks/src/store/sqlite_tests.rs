use super::*;
use crate::store::conformance::{self, Harness, generate};
use crate::store::{MemoryStore, queries};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

struct OnDisk {
    folder: tempfile::TempDir,
    store: Option<SqliteStore>,
}

impl Harness for OnDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
        Self { folder, store: Some(store) }
    }

    fn store(&self) -> &dyn Store {
        self.store.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(SqliteStore::open(&self.folder.path().join("store.db")).unwrap());
    }
}

struct InMemory(MemoryStore);

impl Harness for InMemory {
    fn new() -> Self {
        Self(MemoryStore::new())
    }

    fn store(&self) -> &dyn Store {
        &self.0
    }

    fn reopen(&mut self) {}
}

#[test]
fn sqlite_conforms() {
    conformance::check::<OnDisk>(48);
}

#[test]
fn memory_conforms() {
    conformance::check::<InMemory>(48);
}

#[test]
fn every_query_has_its_index() {
    let disk = OnDisk::new();
    let plan = |query: &str| {
        disk.store.as_ref().unwrap().read("explaining", |connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
            let nothing = vec![rusqlite::types::Value::Null; statement.parameter_count()];
            statement
                .query_map(rusqlite::params_from_iter(nothing), |row| row.get::<_, String>(3))?
                .collect::<rusqlite::Result<Vec<_>>>()
        })
    };
    for query in queries::ALL {
        for line in plan(query).unwrap() {
            assert!(!line.starts_with("SCAN") && !line.contains("TEMP B-TREE"), "{query}\n{line}");
        }
    }
    // The check sees a missing index.
    let without = plan("SELECT document FROM anomalies WHERE host = 'web-1' ORDER BY score").unwrap();
    assert!(without.iter().any(|line| line.starts_with("SCAN")) && without.iter().any(|line| line.contains("TEMP B-TREE")));
}

#[test]
fn queries_stand_in_one_list() {
    let source = include_str!("queries.rs");
    assert_eq!(source.matches("pub(super) const").count() - 1, queries::ALL.len(), "each query is explained");
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(SqliteStore::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    let refusal = SqliteStore::open(&path).unwrap_err().to_string();
    assert!(refusal.contains("newer program"), "{refusal}");
    std::fs::write(&path, b"this is no database, and never was one; it is long enough to be read as a header").unwrap();
    assert!(SqliteStore::open(&path).is_err());
}

#[test]
fn a_failing_batch_leaves_nothing_behind() {
    let disk = OnDisk::new();
    let history = generate::history(9, 6);
    disk.store().apply(&history[..3]).unwrap();
    let before = MemoryStore::new();
    before.apply(&history[..3]).unwrap();
    let blocker = Connection::open(disk.folder.path().join("store.db")).unwrap();
    // Each epoch but the last goes in; the watermark of all does not.
    blocker.execute_batch("CREATE TRIGGER refuse BEFORE UPDATE ON progress BEGIN SELECT RAISE(ABORT, 'full'); END").unwrap();
    let error = disk.store().apply(&history[3..]).unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    conformance::assert_same(disk.store(), &before, 2);
    blocker.execute_batch("DROP TRIGGER refuse").unwrap();
    disk.store().apply(&history[3..]).unwrap();
    before.apply(&history[3..]).unwrap();
    conformance::assert_same(disk.store(), &before, 2);
    assert_eq!(disk.store.as_ref().unwrap().integrity_check().unwrap(), Vec::<String>::new());
}

#[test]
fn readers_see_whole_batches_while_a_writer_writes() {
    let disk = OnDisk::new();
    let (store, history) = (disk.store.as_ref().unwrap(), generate::history(3, 120));
    let written_all = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let written: Vec<_> = history.chunks(4).map(|batch| store.apply(batch)).collect();
            written_all.store(true, Ordering::Release);
            written.into_iter().for_each(Result::unwrap);
        });
        for _ in 0..6 {
            scope.spawn(|| {
                while !written_all.load(Ordering::Acquire) {
                    assert_eq!(store.watermark().unwrap().0 % 4, 0, "a batch is seen whole or not at all");
                }
            });
        }
    });
    assert_eq!(store.watermark().unwrap(), Epoch(120));
}

const CHILD: &str = "TRUSTFOLD_STORE_CRASH_FILE";
const EPOCHS: u64 = 2_000;

/// Not a test of its own: the process that [`survives_being_killed`] kills.
#[test]
fn child_of_the_crash_test() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = SqliteStore::open(Path::new(&path)).unwrap();
    let from = store.watermark().unwrap().0 as usize;
    for batch in generate::history(7, EPOCHS)[from..].chunks(3) {
        store.apply(batch).unwrap();
        writeln!(std::io::stdout(), "\napplied {}", batch.last().unwrap().epoch.0).unwrap();
    }
}

/// A process is killed at any moment between and within its commits; what it said it had stored is there, and what is
/// there is exactly what the watermark says.
#[test]
fn survives_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let history = generate::history(7, EPOCHS);
    let oracle = MemoryStore::new();
    for acknowledgements in [1usize, 2, 5, 3, 8, 13] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::sqlite::tests::child_of_the_crash_test", "--nocapture", "--test-threads=1"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.filter_map(|line| line.unwrap().strip_prefix("applied ")?.parse::<u64>().ok());
        let promised = said.take(acknowledgements).last().expect("the child applies");
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "killed, not finished");

        let store = SqliteStore::open(&path).unwrap();
        let watermark = store.watermark().unwrap().0;
        assert!(watermark >= promised, "{watermark} holds {promised}");
        oracle.apply(&history[..watermark as usize]).unwrap();
        conformance::assert_same(&store, &oracle, 3);
        assert_eq!(store.integrity_check().unwrap(), Vec::<String>::new());
    }
}
