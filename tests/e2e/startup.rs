//! Starting, stopping, and saying in one line what is wrong and how to mend it.

use crate::life::Life;
use crate::server::{Ended, Server, run};
use std::net::TcpListener;
use std::path::Path;

/// It ended because of its surroundings, and said so in one line that names the mend.
fn assert_refused(ended: &Ended, names: &[&str]) {
    assert_eq!(ended.code, 3, "{ended:?}");
    let said: Vec<_> = ended.stderr.lines().filter(|l| l.starts_with("trustfold: ")).collect();
    assert_eq!(said.len(), 1, "{ended:?}");
    assert_eq!(ended.stderr.trim_end().lines().last(), Some(said[0]), "it is the last word: {ended:?}");
    assert!(!said[0].contains("panic"), "{ended:?}");
    for name in names {
        assert!(said[0].contains(name), "\"{name}\" is missing: {ended:?}");
    }
    assert!(!ended.stdout.contains("System Ready"), "{ended:?}");
}

fn refused(dir: &Path, arguments: &[&str]) -> Ended {
    match Server::start_with(dir, arguments) {
        Ok(_) => panic!("it started with {arguments:?}"),
        Err(ended) => ended,
    }
}

#[test]
fn what_is_in_the_way_is_named_with_its_mend() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_refused(&refused(dir.path(), &["--listen", &address]), &[&address, "web.listen"]);
    assert_refused(&refused(dir.path(), &["--syslog", &address]), &[&address, "sources.syslog_tcp", "another port"]);
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert_refused(&refused(dir.path(), &["--data-dir", "file/below"]), &["file/below", "data_dir"]);
    // Nobody listens on the discard port of this machine's loopback.
    let silent = refused(dir.path(), &["--set", "storage.uri=mongodb://reader:secret@127.0.0.1:9/db"]);
    assert_refused(&silent, &["storage.uri", "127.0.0.1:9", "does not answer", "embedded store"]);
    assert!(!silent.stderr.contains("secret"), "{silent:?}");
    assert_refused(&refused(dir.path(), &["--set", "decision.nonsense=1"]), &["nonsense"]);
    assert_refused(&refused(dir.path(), &["--set", "decision.contamination=0.9"]), &["decision.contamination", "0.5"]);
    assert_refused(&refused(dir.path(), &["--config", "nowhere.toml"]), &["nowhere.toml", "--config"]);
    // After all of that it starts where nothing is in the way.
    assert_eq!(Server::start(dir.path()).terminate().code, 0);
}

#[test]
fn a_second_process_on_the_same_data_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(31, 1000, 50, 24);
    server.call("/api/train/start");
    life.batches(500).iter().for_each(|b| server.events(b));
    assert_refused(&refused(dir.path(), &[]), &["data"]);
    life.batches(500).iter().for_each(|b| server.events(b));
    assert_eq!(server.call("/api/train/stop")["events_count"], 1000);
    assert!(server.data().join("trustfold.pid").exists());
    assert_eq!(server.terminate().code, 0);
    let server = Server::start(dir.path());
    assert_eq!(server.get("/api/stats")["events"]["total"], 1000);
}

#[test]
fn it_stops_when_asked_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    assert_eq!(server.get("/health")["status"], "ok");
    assert_eq!(server.try_get("/livez").0, 200);
    let listener = server.listen();
    let token = server.token.clone();
    let ended = server.terminate();
    drop(listener);
    assert_eq!((ended.code, ended.stdout.trim_end().lines().last()), (0, Some("Stopped.")), "{ended:?}");
    assert!(!dir.path().join("data/trustfold.pid").exists());
    for entry in std::fs::read_dir(dir.path().join("data/logs")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(&token) && !text.contains("#link="), "a secret is in the log");
    }
}

#[test]
fn doctor_says_what_needs_a_look() {
    let dir = tempfile::tempdir().unwrap();
    let examine = || {
        let free = ["--set", "web.listen=127.0.0.1:0", "--set", "sources.syslog_tcp.listen=127.0.0.1:0"];
        run(dir.path(), &[&["doctor", "--data-dir", "data", "--format", "json"][..], &free].concat())
    };
    let before = examine();
    assert_eq!(before.code, 0, "{before:?}");
    let server = Server::start(dir.path());
    server.train(&Life::new(32, 1500, 50, 24).batches(1500));
    assert_eq!(server.terminate().code, 0);
    let well = examine();
    assert_eq!(well.code, 0, "{well:?}");

    let mut models = std::fs::read_dir(dir.path().join("data/models")).unwrap().map(|e| e.unwrap().path());
    let model = models.find(|p| p.extension().is_some_and(|e| e == "tfmodel")).unwrap();
    let mut bytes = std::fs::read(&model).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&model, bytes).unwrap();
    let ill = examine();
    assert_eq!(ill.code, 1, "{ill:?}");
    let findings: Vec<serde_json::Value> = serde_json::from_str(&ill.stdout).unwrap();
    let wrong: Vec<_> = findings.iter().filter(|f| f["ok"] == false).collect();
    assert_eq!((wrong.len(), wrong[0]["check"].as_str()), (1, Some("models")), "{findings:?}");
    assert_refused(&refused(dir.path(), &[]), &["model"]);
}

#[test]
fn the_command_line_explains_itself() {
    let dir = tempfile::tempdir().unwrap();
    let help = run(dir.path(), &["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{help:?}");
    for command in ["run", "validate", "score", "generate", "demo", "digest", "doctor"] {
        assert!(help.stdout.contains(command), "{command}: {help:?}");
        let help = run(dir.path(), &[command, "--help"]);
        assert!(help.code == 0 && help.stdout.contains("Usage: trustfold"), "{command}: {help:?}");
    }
    assert!(help.stdout.contains("Exit codes:"), "{help:?}");
    assert_eq!(run(dir.path(), &["run", "--nonsense"]).code, 3);
    assert_eq!(run(dir.path(), &[]).code, 3);

    let well = run(dir.path(), &["validate", "--set", "decision.contamination=0.02"]);
    assert!(well.code == 0 && well.stdout.contains("contamination = 0.02"), "{well:?}");
    assert_refused(&run(dir.path(), &["validate", "--set", "decision.trees=0"]), &["decision.trees", "1 to 1000"]);
    std::fs::write(dir.path().join("own.toml"), "[decision]\ntreees = 5\n").unwrap();
    assert_refused(&run(dir.path(), &["validate", "--config", "own.toml"]), &["treees"]);

    let missing = run(dir.path(), &["score", "nowhere.ndjson", "--train-first", "1000"]);
    assert!(missing.code == 2 && missing.stderr.contains("nowhere.ndjson"), "{missing:?}");
    std::fs::write(dir.path().join("few.ndjson"), "{\"event_type\":\"login\",\"user\":\"a\"}\n").unwrap();
    let few = run(dir.path(), &["score", "few.ndjson", "--train-first", "1"]);
    assert!(few.code == 2 && few.stderr.contains("--train-first"), "{few:?}");
    let no_journal = run(dir.path(), &["digest", "--data-dir", "nothing"]);
    assert!(no_journal.code == 2 && no_journal.stderr.contains("no journal"), "{no_journal:?}");
}

#[test]
fn a_journal_that_was_cut_below_its_stores_is_refused_and_the_start_ends() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    Life::new(33, 500, 20, 24).batches(100).iter().for_each(|b| server.events(b));
    server.call("/api/train/start");
    let journal = server.data().join("journal");
    assert_eq!(server.terminate().code, 0);
    // Damage in the first frame of all, so that nothing after it can be read: what is left looks like a torn tail.
    for entry in std::fs::read_dir(&journal).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "journal") {
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..100]).unwrap();
        }
    }
    assert_eq!(run(dir.path(), &["doctor", "--data-dir", "data"]).code, 1);
    assert_refused(&refused(dir.path(), &[]), &["the journal ends at epoch 0", "Restore the journal", "nothing was changed"]);
}
