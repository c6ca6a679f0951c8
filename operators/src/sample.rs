//! What training collects: a sample of rows, and how often everything was seen.

use crate::feature_table::{WIDTH, column};
use crate::features::{ByHash, Featured, Features};
use std::sync::Arc;
use trustfold_event::event::Event;
use trustfold_event::hash::mix;
use trustfold_event::{EventId, EventTime};
use trustfold_model::{Rarity, RarityCounts, TrainingSet};

/// Rows that a sample holds at most, over all workers.
pub const SAMPLE_ROWS_MAX: usize = 65_536;

/// Domains of rarity: object, peer, port, outcome.
pub const RARITY_DOMAINS: usize = 4;

/// What of an event is counted in each domain of rarity.
#[inline]
pub fn rarity_keys(event: &Event) -> [u64; RARITY_DOMAINS] {
    let kind = event.kind.core().map_or(15, |t| t as u64);
    [
        event.object,
        mix(event.peer ^ u64::from(kind == 2)),
        mix(kind << 16 | u64::from(event.port)),
        mix(0xff00 | kind << 2 | event.outcome as u64),
    ]
}

const RARITY_COLUMNS: [usize; RARITY_DOMAINS] =
    [column::OBJECT_RARITY, column::PEER_RARITY, column::PORT_RARITY, column::OUTCOME_RARITY];

/// Fills the rarity columns, each domain's bits given by `bits`.
#[inline]
pub fn fill_rarity(featured: &Featured, bits: impl Fn(usize, u64) -> f32) -> Features {
    let mut values = featured.values;
    let keys = rarity_keys(&featured.event);
    let mut total = 0.0;
    for domain in 0..RARITY_DOMAINS {
        let b = bits(domain, keys[domain]);
        values[RARITY_COLUMNS[domain]] = b;
        total += b;
    }
    values[column::TOTAL_RARITY] = total;
    values
}

/// A row of the sample. Ordered by its priority, which is a hash: which rows are kept depends on no order of arrival
/// and on no number of workers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRow {
    /// Lower is kept.
    pub priority: u64,
    /// The event's id.
    pub id: EventId,
    /// Its features, rarities aside.
    pub featured: Featured,
}

impl SampleRow {
    fn key(&self) -> (u64, EventId) {
        (self.priority, self.id)
    }
}

/// One worker's share of what a training session collected.
#[derive(Clone, Debug)]
pub struct SamplePart {
    /// The control that asked for it: a `TrainStop`, a mark, an undo.
    pub asked_by: EventId,
    /// The training session.
    pub session: EventId,
    /// The lowest priorities, in order.
    pub rows: Vec<SampleRow>,
    /// How often everything was seen.
    pub counts: RarityCounts,
    /// Events seen.
    pub events: u64,
    /// Entities seen; a worker sees an entity whole, so that the shares add up.
    pub entities: u64,
    /// First event time.
    pub first_event: Option<EventTime>,
    /// Last event time.
    pub last_event: Option<EventTime>,
    /// Every row in journal order, where the sampler was told to keep them.
    pub all: Vec<SampleRow>,
}

/// Collects the events of a training session on one worker.
pub struct Sampler {
    seed: u64,
    session: Option<EventId>,
    rows: Vec<SampleRow>,
    bound: u64,
    counts: RarityCounts,
    events: u64,
    entities: ByHash<()>,
    first_event: Option<EventTime>,
    last_event: Option<EventTime>,
    keep_all: bool,
    all: Vec<SampleRow>,
}

impl Sampler {
    /// An empty sampler. With `keep_all` every row is kept in order, for scoring them once the model is there.
    pub fn new(keep_all: bool) -> Self {
        Self {
            seed: 0,
            session: None,
            rows: Vec::new(),
            bound: u64::MAX,
            counts: RarityCounts::new(RARITY_DOMAINS),
            events: 0,
            entities: ByHash::default(),
            first_event: None,
            last_event: None,
            keep_all,
            all: Vec::new(),
        }
    }

    /// Whether every row is kept.
    pub fn keeps_all(&self) -> bool {
        self.keep_all
    }

    /// Forgets everything and begins a session.
    pub fn begin(&mut self, session: EventId, seed: u64) {
        *self = Self { session: Some(session), seed, ..Self::new(self.keep_all) };
    }

    /// Takes an event of the eight.
    #[inline]
    pub fn add(&mut self, id: EventId, featured: &Featured) {
        let keys = rarity_keys(&featured.event);
        for (domain, key) in keys.into_iter().enumerate() {
            self.counts.add(domain, key);
        }
        self.events += 1;
        self.entities.insert(featured.event.entity, ());
        let time = featured.event.time;
        self.first_event = Some(self.first_event.map_or(time, |t| t.min(time)));
        self.last_event = Some(self.last_event.map_or(time, |t| t.max(time)));
        let priority = mix(self.seed ^ mix(id.epoch.0 << 32 | u64::from(id.index)) ^ u64::from(id.process) << 48);
        let row = SampleRow { priority, id, featured: *featured };
        if self.keep_all {
            self.all.push(row);
        }
        if priority <= self.bound {
            self.rows.push(row);
            if self.rows.len() >= 2 * SAMPLE_ROWS_MAX {
                self.prune();
            }
        }
    }

    fn prune(&mut self) {
        if self.rows.len() > SAMPLE_ROWS_MAX {
            self.rows.select_nth_unstable_by_key(SAMPLE_ROWS_MAX - 1, SampleRow::key);
            self.rows.truncate(SAMPLE_ROWS_MAX);
            self.bound = self.rows.iter().map(|r| r.priority).max().unwrap_or(u64::MAX);
        }
    }

    /// This worker's share; `None` before any session.
    pub fn part(&mut self, asked_by: EventId) -> Option<SamplePart> {
        let session = self.session?;
        self.prune();
        self.rows.sort_unstable_by_key(SampleRow::key);
        Some(SamplePart {
            asked_by,
            session,
            rows: self.rows.clone(),
            counts: self.counts.clone(),
            events: self.events,
            entities: self.entities.len() as u64,
            first_event: self.first_event,
            last_event: self.last_event,
            all: std::mem::take(&mut self.all),
        })
    }
}

/// Puts the workers' shares together: the same set for any number of workers.
///
/// `marked` are feature vectors that an admin called normal; each joins as one row in 256, so that about one of them is
/// in the sample that a tree is grown from.
pub fn training_set(parts: &[Arc<SamplePart>], marked: &[Vec<f32>]) -> TrainingSet {
    let mut rows: Vec<&SampleRow> = parts.iter().flat_map(|p| &p.rows).collect();
    rows.sort_unstable_by_key(|r| r.key());
    rows.truncate(SAMPLE_ROWS_MAX);
    let mut counts = RarityCounts::new(RARITY_DOMAINS);
    parts.iter().for_each(|p| counts.merge(&p.counts));
    let mut values = Vec::with_capacity((rows.len() + marked.len()) * WIDTH);
    for row in &rows {
        // Each row was counted itself: without it, it looks as it would have looked had it come new.
        values.extend(fill_rarity(&row.featured, |domain, key| Rarity::bits_without(&counts, domain, key)));
    }
    let copies = (rows.len() / 256).max(1);
    for row in marked.iter().filter(|row| row.len() == WIDTH) {
        for _ in 0..copies {
            values.extend(row);
        }
    }
    TrainingSet {
        width: WIDTH,
        threshold_rows: rows.len(),
        rows: values,
        rarity: counts,
        events: parts.iter().map(|p| p.events).sum(),
        entities: parts.iter().map(|p| p.entities).sum(),
        marked_rows: marked.len() as u64,
        first_event: parts.iter().filter_map(|p| p.first_event).min(),
        last_event: parts.iter().filter_map(|p| p.last_event).max(),
    }
}
