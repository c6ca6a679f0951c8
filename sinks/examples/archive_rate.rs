//! What archiving costs: CPU time and bytes on disk for each event of an NDJSON file.
//!
//! `cargo run --release -p trustfold-sinks --example archive_rate -- EVENTS.ndjson [ROWS_MAX] [ZSTD_LEVEL]`

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;
use trustfold_event::parse::parse;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Format;
use trustfold_event::{Epoch, EventId, Stamp};
use trustfold_sinks::archive::{Archive, ArchiveOptions, ArchivedRow};

/// Rows of an epoch: what a group commit holds at a high rate.
const EPOCH_ROWS: usize = 1000;
/// Microseconds between epochs, as at 100,000 events a second.
const EPOCH_MICROS: i64 = 10_000;

/// CPU time of this process in seconds, from the kernel; `None` where there is no `/proc`.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn bytes_below(path: &Path) -> std::io::Result<u64> {
    std::fs::read_dir(path)?.try_fold(0, |sum, entry| {
        let entry = entry?;
        Ok(sum + if entry.file_type()?.is_dir() { bytes_below(&entry.path())? } else { entry.metadata()?.len() })
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name an NDJSON file")?;
    let rows_max = arguments.next().map_or(Ok(usize::MAX), |n| n.parse())?;
    let options = ArchiveOptions { zstd_level: arguments.next().map_or(Ok(1), |n| n.parse())?, ..ArchiveOptions::default() };
    let dir = std::env::temp_dir().join(format!("trustfold-archive-rate-{}", std::process::id()));
    let text = std::fs::read(path)?;
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).take(rows_max).collect();

    let archive = Archive::open(&dir, options)?;
    let (mut appending, mut closing, mut rows, mut rejected) = (0.0, 0.0, 0usize, 0usize);
    for (n, lines) in lines.chunks(EPOCH_ROWS).enumerate() {
        let (epoch, stamp) = (Epoch(n as u64 + 1), Stamp(1_772_323_200_000_000 + n as i64 * EPOCH_MICROS));
        let parsed: Vec<_> = lines.iter().map(|raw| (*raw, parse(Format::Json, raw, stamp))).collect();
        let start = cpu_seconds();
        for (index, (raw, parsed)) in parsed.iter().enumerate() {
            let Ok(parsed) = parsed else {
                rejected += 1;
                continue;
            };
            rows += 1;
            archive.append(&ArchivedRow {
                id: EventId::new(epoch, index as u32),
                ingested: stamp,
                session: Some(EventId::of_control(Epoch(0))),
                score: Some((parsed.object().len() % 64) as f32 / 64.0),
                is_anomaly: false,
                trust_impact: MilliPoints(0),
                format: Format::Json,
                source: "http",
                raw,
                parsed,
            })?;
        }
        let appended = cpu_seconds();
        archive.close_epoch(epoch, stamp)?;
        if let (Some(start), Some(appended), Some(closed)) = (start, appended, cpu_seconds()) {
            appending += appended - start;
            closing += closed - appended;
        }
    }
    let start = cpu_seconds().unwrap_or_default();
    archive.flush()?;
    closing += cpu_seconds().unwrap_or_default() - start;

    let each = |seconds: f64| seconds * 1e9 / rows.max(1) as f64;
    let mut out = std::io::stdout();
    writeln!(out, "{rows} events archived, {rejected} not read by the parser")?;
    writeln!(out, "append {:.0} ns, close and publish {:.0} ns of CPU an event", each(appending), each(closing))?;
    writeln!(out, "{:.1} bytes an event on disk", bytes_below(&dir)? as f64 / rows.max(1) as f64)?;
    let somewhere = EventId::new(Epoch((lines.len() / EPOCH_ROWS / 2) as u64), 500);
    for (what, before) in [("newest", None), ("before one in the middle", Some(somewhere))] {
        let start = Instant::now();
        let found = archive.events(None, 100, before)?.len();
        writeln!(out, "{found} events {what}: {:.1} ms", start.elapsed().as_secs_f64() * 1e3)?;
    }
    match std::env::var_os("KEEP") {
        Some(_) => writeln!(out, "kept in {}", dir.display())?,
        None => std::fs::remove_dir_all(&dir)?,
    }
    Ok(())
}
