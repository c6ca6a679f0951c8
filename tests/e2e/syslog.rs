//! Syslog over TCP: both formats, both framings, one connection; what is no message is kept as a dead letter.

use crate::server::{Server, eventually};
use serde_json::{Value, json};

fn counted(message: &str) -> String {
    format!("{} {message}", message.len())
}

#[test]
fn both_formats_and_framings_share_a_connection() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(dir.path(), &["--set", "sources.syslog_tcp.message_bytes_max=4096"]).unwrap();
    let session = server.call("/api/train/start")["session_id"].as_str().unwrap().to_owned();
    let new = "<86>1 2024-03-02T00:02:23.524Z node-1.example.net sshd 19714 - - Accepted publickey for alice from 10.44.122.124 port 60977 ssh2";
    let old = "<86>Mar  2 00:19:31 node-2 sshd[11302]: Failed password for bob from 10.18.12.144 port 13315 ssh2";
    let sudo =
        "<85>1 2024-03-02T09:00:00+02:00 node-3 sudo 7 - - carol : TTY=pts/0 ; PWD=/home/carol ; USER=root ; COMMAND=/usr/bin/id";
    let bare = "2024-03-02T10:00:00.5Z node-4 sshd[5]: Failed password for invalid user admin from 2001:db8::7 port 22 ssh2";
    let log = "<13>Mar  2 00:20:00 node-5 cron[9]: tidy";
    let garbage = "no priority and no time at all";
    let oversize = format!("<13>Mar  2 00:20:00 node-6 app: {}", "x".repeat(8000));
    let mut bytes = Vec::new();
    for part in [
        format!("{new}\n"),
        counted(old),
        format!("{garbage}\r\n"),
        counted(sudo),
        format!("{oversize}\n"),
        format!("{bare}\n\n"),
        counted(&oversize),
        counted("<999>1 - - - - - - beyond the priorities"),
        format!("{log}\n"),
        "40 <13>cut".to_owned(),
    ] {
        bytes.extend_from_slice(part.as_bytes());
    }
    server.syslog(&bytes);
    let letters = eventually("all is taken in", || {
        let stats = server.get("/api/stats");
        (stats["events"]["total"] == 5 && stats["events"]["rejected"] == 5).then(|| server.all("/api/v1/dead-letters"))
    });

    let events = server.all(&format!("/api/events?session_id={session}"));
    let of = |entity: &str| events.iter().find(|e| e["entity"] == entity).unwrap_or_else(|| panic!("{entity}: {events:?}"));
    let alice = of("user:alice");
    assert_eq!((&alice["event_type"], &alice["event"]["source"]["ip"]), (&json!("login"), &json!("10.44.122.124")), "{alice}");
    assert_eq!(alice["ts"], "2024-03-02T00:02:23.524Z", "the line's own time");
    assert_eq!(
        (&alice["event"]["host"]["name"], &alice["event"]["process"]["pid"]),
        (&json!("node-1.example.net"), &json!(19714))
    );
    let bob = of("user:bob");
    assert_eq!((&bob["event_type"], &bob["event"]["event"]["outcome"]), (&json!("auth_failure"), &json!("failure")), "{bob}");
    // RFC 3164 has no year: the newest that is not in the future.
    let (ts, ingested) = (bob["ts"].as_str().unwrap(), bob["ingested"].as_str().unwrap());
    assert!(ts.contains("-03-02T00:19:31"), "{ts}");
    let year = |text: &str| text[..4].parse::<i32>().unwrap();
    assert!((0..=1).contains(&(year(ingested) - year(ts))), "{ts} {ingested}");
    let carol = of("user:carol");
    assert_eq!(
        (&carol["event_type"], &carol["ts"]),
        (&json!("sudo_command"), &json!("2024-03-02T07:00:00.000Z")),
        "in UTC: {carol}"
    );
    assert_eq!(carol["event"]["process"]["command_line"], "/usr/bin/id");
    assert_eq!(of("user:admin")["ts"].as_str().unwrap().get(..19), Some("2024-03-02T10:00:00"));
    let other = events.iter().filter(|e| e["event_type"] == "log").count();
    assert_eq!((events.len(), other), (5, 1), "{events:?}");

    let letter = |fits: &dyn Fn(&Value) -> bool| letters.iter().filter(|l| fits(l)).cloned().collect::<Vec<_>>();
    let headerless = letter(&|l| l["code"] == "syslog.header");
    assert_eq!((headerless.len(), &headerless[0]["raw"]), (1, &json!(garbage)), "{letters:?}");
    assert_eq!(letter(&|l| l["code"] == "syslog.pri").len(), 1, "{letters:?}");
    let long = letter(&|l| l["code"] == "framing.message_too_long");
    assert_eq!(long.len(), 2, "{letters:?}");
    assert!(long.iter().all(|l| oversize.starts_with(l["raw"].as_str().unwrap()) && !l["raw"].as_str().unwrap().is_empty()));
    assert!(long.iter().all(|l| l["reason"].as_str().unwrap().contains("4096")), "{long:?}");
    let cut = letter(&|l| l["code"] == "framing.message_cut_short");
    assert_eq!((cut.len(), &cut[0]["raw"]), (1, &json!("<13>cut")), "{letters:?}");
    assert!(letters.iter().all(|l| l["peer"].as_str().unwrap().starts_with("127.0.0.1") && l["source"] != ""), "{letters:?}");
    // Who may not administer does not read what strangers sent.
    let answer = server.agent.get(format!("http://{}/api/v1/dead-letters", server.web)).call().unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(server.call("/api/train/stop")["events_count"], 5);
}
