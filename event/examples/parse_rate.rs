//! How long the parsers take: nanoseconds of CPU time per record.
//!
//! `cargo run --release -p trustfold-event --example parse_rate -- FORMAT:FILE…`, where FORMAT is `json` or `syslog` and a
//! file has one record a line. Each file is read whole, then parsed in rounds; the quickest and the median round are told.
#![expect(clippy::print_stdout, clippy::disallowed_types, reason = "a tool for people, outside the decision path")]

use std::error::Error;
use std::hint::black_box;
use std::io::Read;
use trustfold_event::Stamp;
use trustfold_event::parse::parse;
use trustfold_event::raw::Format;

const ROUNDS: usize = 9;
/// A round passes over a file until it has parsed this many records, so that the clock is fine enough.
const RECORDS_A_ROUND: usize = 300_000;

/// CPU time of this thread in nanoseconds, as the scheduler counts it.
fn cpu_nanos() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    for argument in std::env::args().skip(1) {
        let (format, path) = argument.split_once(':').ok_or("expected FORMAT:FILE")?;
        let format = match format {
            "json" => Format::Json,
            "syslog" => Format::Syslog,
            other => return Err(format!("unknown format \"{other}\"").into()),
        };
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.read_to_end(&mut bytes)?;
        let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
        let received = Stamp::parse("2026-04-01T00:00:00Z").unwrap_or_default();
        let mut nanos = Vec::with_capacity(ROUNDS);
        let passes = RECORDS_A_ROUND.div_ceil(lines.len().max(1));
        let (mut core, mut rejected) = (0, 0);
        for _ in 0..ROUNDS {
            (core, rejected) = (0, 0);
            let before = cpu_nanos()?;
            for line in lines.iter().cycle().take(lines.len() * passes) {
                match black_box(parse(format, black_box(line), received)) {
                    Ok(parsed) => core += usize::from(parsed.kind.core().is_some()),
                    Err(_) => rejected += 1,
                }
            }
            nanos.push((cpu_nanos()? - before) as f64 / (lines.len() * passes).max(1) as f64);
        }
        nanos.sort_by(f64::total_cmp);
        println!(
            "{path}: {} records of {:.0} bytes, {} core events, {} rejected; {:.0} ns a record (median {:.0})",
            lines.len(),
            bytes.len() as f64 / lines.len().max(1) as f64,
            core / passes,
            rejected / passes,
            nanos[0],
            nanos[ROUNDS / 2],
        );
    }
    Ok(())
}
