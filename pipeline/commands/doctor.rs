//! `trustfold doctor`: looks at an installation without changing it.

use crate::commands::{Failure, say};
use crate::models::ModelStore;
use crate::settings::Settings;
use serde::Serialize;
use std::net::TcpListener;
use std::process::ExitCode;
use trustfold_journal::{read_segment, segments};
use trustfold_sinks::store::Store;
use trustfold_sinks::store::sqlite::SqliteStore;

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
}

/// Looks, and prints what it finds; exit code 1 where something needs a look.
///
/// # Errors
/// Where the findings cannot be printed.
pub fn doctor(settings: &Settings, as_json: bool) -> Result<ExitCode, Failure> {
    let findings = [
        Finding { check: "settings", ok: true, detail: "can be used".into() },
        directory(settings),
        journal(settings),
        store(settings),
        models(settings),
        port("web port", settings.web.listen),
        port("syslog port", settings.sources.syslog_tcp.listen),
    ];
    let well = findings.iter().all(|f| f.ok);
    if as_json {
        say(serde_json::to_string(&findings).map_err(Failure::system)?);
    } else {
        for Finding { check, ok, detail } in &findings {
            say(format_args!("{} {check:<12} {detail}", if *ok { "ok  " } else { "LOOK" }));
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn finding(check: &'static str, result: Result<String, String>) -> Finding {
    match result {
        Ok(detail) => Finding { check, ok: true, detail },
        Err(detail) => Finding { check, ok: false, detail },
    }
}

fn directory(settings: &Settings) -> Finding {
    let dir = &settings.data_dir;
    let shown = dir.display();
    finding(
        "data_dir",
        if !dir.exists() {
            Ok(format!("\"{shown}\" is not there yet; the first start makes it"))
        } else {
            let probe = dir.join(".doctor");
            std::fs::write(&probe, b"")
                .and_then(|()| std::fs::remove_file(&probe))
                .map(|()| format!("\"{shown}\" can be written"))
                .map_err(|e| format!("\"{shown}\" cannot be written: {e}; change its owner, or set data_dir"))
        },
    )
}

fn journal(settings: &Settings) -> Finding {
    let dir = settings.data_dir.join("journal");
    let look = || -> Result<String, String> {
        if !dir.is_dir() {
            return Ok("none yet".into());
        }
        let found = segments(&dir).map_err(|e| e.to_string())?;
        let (mut frames, mut records, mut epoch, mut torn) = (0u64, 0usize, 0, 0);
        for (i, segment) in found.iter().enumerate() {
            let whole = read_segment(segment, i + 1 == found.len(), |frame| {
                frames += 1;
                records += frame.len();
                epoch = frame.epoch.0;
            })
            .map_err(|e| e.to_string())?;
            torn = std::fs::metadata(&segment.path).map_or(0, |m| m.len().saturating_sub(whole));
        }
        let database = settings.data_dir.join("trustfold.db");
        let stored = match database.is_file() {
            true => SqliteStore::open(&database).and_then(|s| s.watermark()).map_err(|e| e.to_string())?.0,
            false => 0,
        };
        let read = format!("{} segments, {frames} frames, {records} records", found.len());
        if stored > epoch {
            return Err(format!(
                "{read}, up to epoch {epoch}, but the document store has {stored}: restore the journal from a copy"
            ));
        }
        Ok(if torn == 0 {
            format!("{read}, all whole")
        } else {
            format!("{read}; the next start cuts a torn tail of {torn} bytes")
        })
    };
    finding("journal", look())
}

fn store(settings: &Settings) -> Finding {
    let path = settings.data_dir.join("trustfold.db");
    let look = || -> Result<String, String> {
        if !path.is_file() {
            return Ok("none yet".into());
        }
        let store = SqliteStore::open(&path).map_err(|e| e.to_string())?;
        let wrong = store.integrity_check().map_err(|e| e.to_string())?;
        if wrong.is_empty() {
            Ok("sound".into())
        } else {
            Err(format!("{}; move trustfold.db away: the next start rebuilds it from the journal", wrong.join("; ")))
        }
    };
    finding("store", look())
}

fn models(settings: &Settings) -> Finding {
    let dir = settings.data_dir.join("models");
    let look = || -> Result<String, String> {
        if !dir.is_dir() {
            return Ok("none yet".into());
        }
        let store = ModelStore::open(&dir).map_err(|e| e.to_string())?;
        let mut sound = 0;
        for entry in std::fs::read_dir(&dir).map_err(|e| e.to_string())?.flatten() {
            let path = entry.path();
            if let (Some("tfmodel"), Some(digest)) =
                (path.extension().and_then(|e| e.to_str()), path.file_stem().and_then(|s| s.to_str()))
            {
                store.load(digest).map_err(|e| e.to_string())?;
                sound += 1;
            }
        }
        Ok(format!("{sound}, all sound"))
    };
    finding("models", look())
}

fn port(check: &'static str, address: std::net::SocketAddr) -> Finding {
    finding(
        check,
        TcpListener::bind(address)
            .map(|_| format!("{address} is free"))
            .map_err(|e| format!("{address}: {e}; a running trustfold, or choose another address")),
    )
}
