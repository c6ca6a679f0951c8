//! Normal life and labelled anomalies, made up and reproducible.
//!
//! ```text
//! seed ─► population: roles, shifts, habits, Zipf activity
//!              │
//! ticks ───────┼─► a campaign's event that is due          ─┐
//! (so many     ├─► an anomaly that begins                   ├─► Record ─► JSON or syslog
//!  a slot)     ├─► a session's event that is due            │
//!              └─► a session that begins: who is at work   ─┘
//! ```
//!
//! Users have roles and shifts, UTC hours and weekends, a workstation, servers, programs and peers that they are used to;
//! they log in, are busy for a while, and log out. Names and addresses come from documentation ranges: `population.rs`.
//!
//! **Invariants**
//! - The same options give the same bytes: one generator of random numbers with a fixed algorithm (PCG XSL 128/64), no
//!   clock, no hash order.
//! - Records come in the order of their arrival; a record's time is its arrival minus a delay below [`DELAY_MAX_SECS`].
//! - Memory does not grow with the number of events: it holds a session a user and the campaigns that are under way.
//! - The population depends on `seed` and `entities` alone.

mod auth_lines;
mod campaign;
mod catalogue;
mod daily;
mod options;
mod population;
mod record;
mod rhythm;

pub use auth_lines::{to_syslog_3164, to_syslog_5424};
pub use options::{GeneratorError, GeneratorOptions};
pub use record::{AnomalyKind, Label, Record};

use campaign::{Anomalies, Due};
use daily::{Daily, wait};
use population::Population;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rhythm::{Rhythm, SLOT_MINUTES};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use trustfold_event::EventTime;

/// No record is older than this when it arrives, in seconds.
pub const DELAY_MAX_SECS: u32 = 5;

/// The mean delay between a record's time and its arrival, in seconds.
const DELAY_MEAN_SECS: f64 = 0.3;

/// How many events arrive in the span where their number has no end.
const ENDLESS_EVENTS_A_SPAN: u64 = 1_000_000;

const MICROS_AN_HOUR: i64 = 3_600_000_000;

/// One event as a line, with what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// A JSON object, without the end of the line.
    pub line: Vec<u8>,
    /// `None` for normal life.
    pub label: Option<Label>,
}

/// A stretch of time and how many events are still to arrive in it.
#[derive(Clone, Copy)]
struct Stretch {
    at: i64,
    end: i64,
    left: u64,
}

/// Makes events: with [`Generator::advance`] or as an iterator over the span of its options, or with
/// [`Generator::next_batch`] at the times that the caller says.
pub struct Generator {
    events: u64,
    anomaly_share: f64,
    rng: Pcg64,
    population: Population,
    rhythm: Rhythm,
    daily: Daily,
    anomalies: Anomalies,
    /// When each open session goes on: time, order of scheduling, user. One a user at most.
    due_sessions: BinaryHeap<Reverse<(i64, u64, u32)>>,
    due_campaigns: BinaryHeap<Due>,
    scheduled: u64,
    campaigns: u64,
    /// Labelled events that the share asks for and that have not been begun.
    owed: f64,
    produced: u64,
    stretch: Stretch,
    /// The end of the span, events a unit of activity, and the fraction of an event left over from the last slot.
    span_end: i64,
    density: f64,
    carried: f64,
    record: Record,
}

impl Generator {
    /// Draws the population and stands before the first event.
    ///
    /// # Errors
    /// Options out of range.
    pub fn new(options: GeneratorOptions) -> Result<Self, GeneratorError> {
        options.check()?;
        let population = Population::new(options.seed, options.entities)?;
        let rhythm = Rhythm::new();
        let start = options.start.0;
        let span_end = start.saturating_add(i64::from(options.span_hours) * MICROS_AN_HOUR);
        let mut activity = 0.0;
        let mut at = start;
        while at < span_end {
            let end = Rhythm::slot_end(EventTime(at)).0.min(span_end);
            activity += slot_activity(&population, &rhythm, at, end);
            at = end;
        }
        let events_a_span = if options.events == u64::MAX { ENDLESS_EVENTS_A_SPAN } else { options.events };
        Ok(Self {
            events: options.events,
            anomaly_share: options.anomaly_share,
            rng: Pcg64::seed_from_u64(options.seed),
            daily: Daily::new(&population)?,
            anomalies: Anomalies::new()?,
            population,
            rhythm,
            due_sessions: BinaryHeap::new(),
            due_campaigns: BinaryHeap::new(),
            scheduled: 0,
            campaigns: 0,
            owed: 0.0,
            produced: 0,
            stretch: Stretch { at: start, end: start, left: 0 },
            span_end: if options.events == u64::MAX { i64::MAX } else { span_end },
            density: events_a_span as f64 / activity,
            carried: 0.0,
            record: Record::default(),
        })
    }

    /// Makes the next event of the span; `None` once there are `events` of them.
    pub fn advance(&mut self) -> Option<&Record> {
        if self.produced >= self.events {
            return None;
        }
        while self.stretch.left == 0 {
            let at = self.stretch.end;
            let end = Rhythm::slot_end(EventTime(at)).0.min(self.span_end);
            let exact = self.carried + slot_activity(&self.population, &self.rhythm, at, end) * self.density;
            let whole = exact.max(0.0) as u64;
            self.carried = exact - whole as f64;
            // Rounding must leave none over at the end of the span.
            let left = if end >= self.span_end { self.events - self.produced } else { whole.min(self.events - self.produced) };
            self.stretch = Stretch { at: at.max(self.stretch.at), end, left };
        }
        self.emit();
        Some(&self.record)
    }

    /// Makes `n` events that arrive from `from` on and before `to`, for a stream at the pace of a clock that the caller
    /// reads. Their number is free of the options' `events`, `start` and `span_hours`. Time never goes back: where `from`
    /// lies before an arrival that was already given out, that one counts instead.
    pub fn next_batch(&mut self, from: EventTime, to: EventTime, n: u64, mut each: impl FnMut(&Record)) {
        let at = from.0.max(self.stretch.at);
        self.stretch = Stretch { at, end: to.0.max(at + 1), left: n };
        while self.stretch.left > 0 {
            self.emit();
            each(&self.record);
        }
    }

    /// Sets the share of labelled events, from now on. 0 also ends the campaigns that are under way, so that what follows
    /// is fit to be learnt from. Values outside 0 to 0.5 are taken as the nearest of these.
    pub fn set_anomaly_share(&mut self, share: f64) {
        self.anomaly_share = share.clamp(0.0, 0.5);
        self.owed = 0.0;
        if self.anomaly_share == 0.0 {
            self.due_campaigns.clear();
        }
    }

    /// How many events it has made.
    pub fn produced(&self) -> u64 {
        self.produced
    }

    /// Makes one event within the stretch, which has one left.
    fn emit(&mut self) {
        let Stretch { at, end, left } = self.stretch;
        let gap = wait((end - at) as f64 / 1e6 / (left as f64 + 1.0), &mut self.rng);
        let tick = at.saturating_add(gap).min(end - 1).max(at);
        self.record.clear();
        self.owed += self.anomaly_share;
        let arrival = self.abnormal(at, tick).unwrap_or_else(|| {
            self.normal(tick);
            tick
        });
        let delay = wait(DELAY_MEAN_SECS, &mut self.rng).min(i64::from(DELAY_MAX_SECS) * 1_000_000 - 1000);
        self.record.arrival = EventTime(arrival);
        self.record.time = EventTime((arrival - delay).div_euclid(1000) * 1000);
        self.produced += 1;
        self.stretch = Stretch { at: arrival, end, left: left - 1 };
    }

    /// Writes an event of a campaign that is due by `tick`, or of an anomaly that begins there; says when it arrives.
    fn abnormal(&mut self, at: i64, tick: i64) -> Option<i64> {
        let (mut campaign, arrival) = if self.due_campaigns.peek().is_some_and(|due| due.at <= tick) {
            let due = self.due_campaigns.pop()?;
            (due.campaign, due.at.max(at))
        } else if self.owed >= 1.0 && self.rng.random::<f64>() < self.anomaly_share {
            let when = (&self.rhythm, Rhythm::slot(EventTime(tick)));
            let (campaign, events) =
                self.anomalies.begin(&self.population, &self.daily.sessions, when, self.campaigns + 1, &mut self.rng);
            self.campaigns += u64::from(events > 1);
            self.owed -= f64::from(events);
            (campaign, tick)
        } else {
            return None;
        };
        let next = self.anomalies.go_on(&self.population, &mut campaign, self.produced, &mut self.rng, &mut self.record);
        if let Some(gap) = next {
            self.scheduled += 1;
            self.due_campaigns.push(Due { at: arrival + gap, sequence: self.scheduled, campaign });
        }
        Some(arrival)
    }

    /// Writes the next event of the session that has been due the longest, or of one that begins.
    fn normal(&mut self, tick: i64) {
        let due = self.due_sessions.peek().is_some_and(|Reverse((due, _, _))| *due <= tick);
        let user = match due.then(|| self.due_sessions.pop()).flatten() {
            Some(Reverse((_, _, user))) => user,
            None => {
                let user = self.population.at_work(&self.rhythm, Rhythm::slot(EventTime(tick)), &mut self.rng);
                if !self.daily.sessions[user as usize].is_closed() {
                    self.daily.extra(&self.population, user, &mut self.rng, &mut self.record);
                    return;
                }
                user
            }
        };
        if let Some(gap) = self.daily.go_on(&self.population, user, &mut self.rng, &mut self.record) {
            self.scheduled += 1;
            self.due_sessions.push(Reverse((tick + gap, self.scheduled, user)));
        }
    }
}

/// How much is done from `at` to `end`, which lie in one slot; a whole slot counts as its activity.
fn slot_activity(population: &Population, rhythm: &Rhythm, at: i64, end: i64) -> f64 {
    let whole = f64::from(SLOT_MINUTES) * 60e6;
    population.activity(rhythm, Rhythm::slot(EventTime(at))) * ((end - at) as f64 / whole)
}

impl Iterator for Generator {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        let record = self.advance()?;
        let mut line = Vec::with_capacity(384);
        record.write_json(&mut line);
        Some(Generated { line, label: record.label })
    }
}

#[cfg(test)]
mod tests;
