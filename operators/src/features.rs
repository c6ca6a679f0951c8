//! Windowed features of one entity, from its own events in journal order. Windows are over event time; an event sees
//! what stands earlier in the journal, late or not, and nothing waits.

use crate::epochs::{EpochLogic, by_epoch, by_hash};
use crate::feature_table::column;
use crate::head::Head;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasherDefault, Hasher};
use timely::dataflow::StreamVec;
use trustfold_event::Stamp;
use trustfold_event::control::Control;
use trustfold_event::event::Event;
use trustfold_event::hash::mix;
use trustfold_event::kind::{Kind, Outcome};

pub use crate::feature_table::WIDTH;

/// A feature vector, in the table's column order.
pub type Features = [f32; WIDTH];

/// An event with what its entity's state makes of it. The rarity columns are still 0: they depend on the model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Featured {
    /// The event.
    pub event: Event,
    /// Its features, rarities aside.
    pub values: Features,
}

/// An entity that was idle for longer than this, by receive stamp, starts anew.
pub const IDLE_MAX_MICROS: i64 = 30 * 24 * 3600 * 1_000_000;

/// Counts over the newest `N` buckets of time, for `W` classes.
///
/// **Invariant:** `counts[b mod N]` belongs to bucket `b` for `head − N < b ≤ head`; older buckets are forgotten.
#[derive(Clone, Debug, PartialEq)]
struct Ring<const N: usize, const W: usize> {
    head: i64,
    counts: [[u16; W]; N],
}

impl<const N: usize, const W: usize> Ring<N, W> {
    const EMPTY: Self = Self { head: i64::MIN / 2, counts: [[0; W]; N] };

    #[inline]
    fn slot(bucket: i64) -> usize {
        bucket.rem_euclid(N as i64) as usize
    }

    #[inline]
    fn add(&mut self, bucket: i64, class: usize) {
        if bucket > self.head {
            let gap = (bucket - self.head).min(N as i64);
            for b in bucket - gap + 1..=bucket {
                self.counts[Self::slot(b)] = [0; W];
            }
            self.head = bucket;
        } else if bucket <= self.head - N as i64 {
            return;
        }
        let count = &mut self.counts[Self::slot(bucket)][class];
        *count = count.saturating_add(1);
    }

    /// The class's count over the `N` buckets that end with `bucket`, as far as they are still known.
    #[inline]
    fn sum(&self, bucket: i64, class: usize) -> u32 {
        if bucket == self.head {
            return self.counts.iter().map(|c| u32::from(c[class])).sum();
        }
        let (newest, oldest) =
            (bucket.min(self.head), (bucket.min(self.head) - N as i64).max(self.head - N as i64).max(bucket - N as i64));
        (oldest + 1..=newest).map(|b| u32::from(self.counts[Self::slot(b)][class])).sum()
    }
}

/// The things an entity deals with most: up to 16, with counts and when each was last seen.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    hash: [u32; Self::SLOTS],
    last_secs: [u32; Self::SLOTS],
    count: [u16; Self::SLOTS],
    total: u32,
}

impl Seen {
    const SLOTS: usize = 16;
    const EMPTY: Self = Self { hash: [0; Self::SLOTS], last_secs: [0; Self::SLOTS], count: [0; Self::SLOTS], total: 0 };

    /// Bits of surprise at meeting it now, then remembers it.
    #[inline]
    fn meet(&mut self, hash: u64, now_secs: u32) -> f32 {
        let hash = (hash >> 32) as u32;
        let at = (0..Self::SLOTS).find(|&i| self.hash[i] == hash && self.count[i] > 0);
        let all = (self.total + 1) as f32;
        let bits = match at {
            Some(i) => libm::log2f(all / f32::from(self.count[i])),
            None => libm::log2f(all) + f32::from(self.total > 0),
        };
        match at {
            Some(i) => {
                self.count[i] += 1;
                self.last_secs[i] = self.last_secs[i].max(now_secs);
                if self.count[i] == u16::MAX {
                    // Halved together, the shares stay; what was met once stays known.
                    self.count.iter_mut().for_each(|c| *c = c.div_ceil(2));
                    self.total /= 2;
                }
            }
            None => {
                // The least met goes, of these the longest unseen.
                let victim = (0..Self::SLOTS).min_by_key(|&i| (self.count[i], self.last_secs[i])).unwrap_or(0);
                (self.hash[victim], self.count[victim], self.last_secs[victim]) = (hash, 1, now_secs);
            }
        }
        self.total = self.total.saturating_add(1);
        bits
    }

    /// How many of them were seen within the hour before `now_secs`.
    #[inline]
    fn within_hour(&self, now_secs: u32) -> u32 {
        let since = now_secs.saturating_sub(3600);
        (0..Self::SLOTS).map(|i| u32::from((self.count[i] > 0) & (self.last_secs[i] > since))).sum()
    }
}

const TYPE_BUCKET_SECS: i64 = 20;
const HOUR_BUCKET_SECS: i64 = 300;
const FAILURE_BUCKET_SECS: i64 = 60;

/// What is kept of one entity.
///
/// **Invariant:** at most 1 KiB, whatever the entity does.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityState {
    types_2m: Ring<6, 8>,
    events_1h: Ring<12, 1>,
    failures_10m: Ring<10, 1>,
    peers: Seen,
    objects: Seen,
    by_type: [u32; 8],
    by_hour: [u16; 24],
    by_hour_total: u32,
    events: u32,
    first_secs: i64,
    last_secs: i64,
    last_stamp: Stamp,
}

const _: () = assert!(size_of::<EntityState>() <= 1024);

impl Default for EntityState {
    fn default() -> Self {
        Self {
            types_2m: Ring::EMPTY,
            events_1h: Ring::EMPTY,
            failures_10m: Ring::EMPTY,
            peers: Seen::EMPTY,
            objects: Seen::EMPTY,
            by_type: [0; 8],
            by_hour: [0; 24],
            by_hour_total: 0,
            events: 0,
            first_secs: i64::MAX,
            last_secs: i64::MIN,
            last_stamp: Stamp::default(),
        }
    }
}

#[inline]
fn log2_count(n: u32) -> f32 {
    libm::log2f((n + 1) as f32)
}

impl EntityState {
    /// Takes the entity's next event in journal order; answers its features, rarities aside.
    ///
    /// Whole-life counts are those of the events before this one; windows include it.
    pub fn step(&mut self, event: &Event, stamp: Stamp) -> Features {
        if stamp.micros_since(self.last_stamp) > IDLE_MAX_MICROS && self.events > 0 {
            // By the stamps alone, so that it does not matter when memory is really reclaimed.
            *self = Self::default();
        }
        self.last_stamp = stamp;
        let mut f = [0.0; WIDTH];
        let Kind::Core(event_type) = event.kind else { return f };
        let class = event_type as usize;
        let secs = event.time.0.div_euclid(1_000_000);
        let now_secs = u32::try_from(secs.max(0)).unwrap_or(u32::MAX);
        let second_of_day = secs.rem_euclid(86_400);
        let hour = (second_of_day / 3600) as usize;

        let angle = second_of_day as f32 * (2.0 * std::f32::consts::PI / 86_400.0);
        f[column::HOUR_SIN] = libm::sinf(angle);
        f[column::HOUR_COS] = libm::cosf(angle);

        let n = self.events as f32;
        f[column::TYPE_SURPRISE] = libm::log2f((n + 4.0) / (self.by_type[class] as f32 + 0.5));
        let near =
            u32::from(self.by_hour[hour]) + u32::from(self.by_hour[(hour + 1) % 24]) + u32::from(self.by_hour[(hour + 23) % 24]);
        f[column::HOUR_SURPRISE] = libm::log2f((self.by_hour_total as f32 + 8.0) / (near as f32 + 1.0));
        f[column::OBJECT_NOVELTY] = self.objects.meet(event.object, now_secs);
        f[column::PEER_NOVELTY] = self.peers.meet(event.peer, now_secs);

        self.types_2m.add(secs.div_euclid(TYPE_BUCKET_SECS), class);
        self.events_1h.add(secs.div_euclid(HOUR_BUCKET_SECS), 0);
        let failure_bucket = secs.div_euclid(FAILURE_BUCKET_SECS);
        if event.outcome == Outcome::Failure {
            self.failures_10m.add(failure_bucket, 0);
        }
        f[column::BURST] = log2_count(self.types_2m.sum(secs.div_euclid(TYPE_BUCKET_SECS), class));
        // Before its first event an entity has neither a first nor a last second.
        let hourly = if self.events == 0 { 0.0 } else { n / ((self.last_secs - self.first_secs) as f32 / 3600.0).max(1.0) };
        let last_hour = self.events_1h.sum(secs.div_euclid(HOUR_BUCKET_SECS), 0);
        f[column::RATE] = libm::log2f((last_hour + 1) as f32 / (hourly + 1.0));
        f[column::FAILURES] = log2_count(self.failures_10m.sum(failure_bucket, 0));
        f[column::PEERS] = log2_count(self.peers.within_hour(now_secs));
        f[column::OBJECTS] = log2_count(self.objects.within_hour(now_secs));

        self.by_type[class] = self.by_type[class].saturating_add(1);
        self.by_hour[hour] += 1;
        self.by_hour_total += 1;
        if self.by_hour[hour] == u16::MAX {
            self.by_hour.iter_mut().for_each(|h| *h /= 2);
            self.by_hour_total = self.by_hour.iter().map(|h| u32::from(*h)).sum();
        }
        self.events = self.events.saturating_add(1);
        self.first_secs = self.first_secs.min(secs);
        self.last_secs = self.last_secs.max(secs);
        f
    }
}

/// Passes an already well-mixed hash on.
#[derive(Default)]
pub struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = mix(self.0 ^ u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// A map keyed by mixed hashes. Never iterated into a result.
pub type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Mixed>>;

/// The states of one worker's entities, dense, behind an index by hash.
#[derive(Default)]
pub struct Entities {
    index: ByHash<u32>,
    states: Vec<EntityState>,
}

impl Entities {
    /// The entity's state, fresh where it was not known.
    #[inline]
    pub fn state(&mut self, entity: u64) -> &mut EntityState {
        let next = self.states.len() as u32;
        let at = *self.index.entry(entity).or_insert(next);
        if at == next {
            self.states.push(EntityState::default());
        }
        &mut self.states[at as usize]
    }

    /// How many entities are known.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// True where none is known.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Reclaims the memory of entities that are idle by `stamp`. Answers change by nothing: `step` forgets them anyway.
    pub fn reclaim(&mut self, stamp: Stamp) {
        let idle = |s: &EntityState| stamp.micros_since(s.last_stamp) > IDLE_MAX_MICROS;
        if !self.states.iter().any(idle) {
            return;
        }
        let mut kept = Entities::default();
        let mut by_place: Vec<(u32, u64)> = self.index.drain().map(|(hash, at)| (at, hash)).collect();
        by_place.sort_unstable();
        for ((_, hash), state) in by_place.into_iter().zip(self.states.drain(..)) {
            if !idle(&state) {
                kept.index.insert(hash, kept.states.len() as u32);
                kept.states.push(state);
            }
        }
        *self = kept;
    }
}

struct FeatureLogic {
    entities: Entities,
    since_reclaim: usize,
}

/// Events between two looks at which entities have gone idle.
const RECLAIM_EVERY: usize = 4_000_000;

impl EpochLogic for FeatureLogic {
    type In = Event;
    type Out = Featured;
    type Side = ();

    fn epoch(&mut self, head: &Head, events: &mut Vec<Event>, out: &mut Vec<Featured>, _: &mut Vec<()>) {
        if !events.is_sorted_by_key(|e| e.index) {
            events.sort_unstable_by_key(|e| e.index);
        }
        self.since_reclaim += events.len();
        out.extend(
            events.drain(..).map(|event| Featured { values: self.entities.state(event.entity).step(&event, head.stamp), event }),
        );
        if self.since_reclaim >= RECLAIM_EVERY {
            self.since_reclaim = 0;
            self.entities.reclaim(head.stamp);
        }
        if let Some(Control::Reset) = head.control() {
            self.entities = Entities::default();
        }
    }
}

/// The shell: events go to the worker that keeps their entity, and leave in journal order with their features.
pub fn features<'s>(events: StreamVec<'s, u64, Event>, heads: StreamVec<'s, u64, Head>) -> StreamVec<'s, u64, Featured> {
    let logic = FeatureLogic { entities: Entities::default(), since_reclaim: 0 };
    by_epoch(events, by_hash(|e: &Event| mix(e.entity)), heads, "Features", logic).0
}
