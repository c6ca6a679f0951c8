//! One entity's features against a recount of its whole history, to the bit.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::f32::consts::PI;
use trustfold_event::event::Event;
use trustfold_event::hash::mix;
use trustfold_event::kind::{EventType, Kind, Outcome};
use trustfold_event::{EventTime, Stamp};
use trustfold_operators::feature_table::{FEATURES, column};
use trustfold_operators::features::{Entities, EntityState, Features, IDLE_MAX_MICROS, WIDTH};

const RARITIES: [usize; 5] =
    [column::OBJECT_RARITY, column::PEER_RARITY, column::PORT_RARITY, column::OUTCOME_RARITY, column::TOTAL_RARITY];

/// Numbers that follow from a seed.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn within(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low) as u64) as i64
    }
}

/// The things met, as the table has them: sixteen are kept, the least met makes room, of these the longest unseen, of
/// these the one whose place comes first.
#[derive(Default)]
struct Kept {
    things: Vec<Thing>,
    meetings: u64,
}

struct Thing {
    id: u64,
    met: u64,
    last: i64,
}

/// Seconds as the kept things have them: from 1970 on, as far as 32 bits reach.
fn clock(secs: i64) -> i64 {
    secs.clamp(0, i64::from(u32::MAX))
}

impl Kept {
    fn novelty(&self, id: u64) -> f32 {
        let all = (self.meetings + 1) as f32;
        match self.things.iter().find(|t| t.id == id) {
            Some(thing) => libm::log2f(all / thing.met as f32),
            None if self.meetings == 0 => 0.0,
            None => libm::log2f(all) + 1.0,
        }
    }

    fn meet(&mut self, id: u64, secs: i64) {
        let last = clock(secs);
        if let Some(thing) = self.things.iter_mut().find(|t| t.id == id) {
            thing.met += 1;
            thing.last = thing.last.max(last);
            if thing.met == 65_535 {
                self.things.iter_mut().for_each(|t| t.met = t.met.div_ceil(2));
                self.meetings /= 2;
            }
        } else if self.things.len() < 16 {
            self.things.push(Thing { id, met: 1, last });
        } else {
            let least = self.things.iter().map(|t| (t.met, t.last)).min().unwrap();
            let place = self.things.iter().position(|t| (t.met, t.last) == least).unwrap();
            self.things[place] = Thing { id, met: 1, last };
        }
        self.meetings += 1;
    }

    /// Kept things whose last meeting is less than an hour before `secs`, or after it.
    fn in_the_hour_before(&self, secs: i64) -> usize {
        let since = (clock(secs) - 3600).max(0);
        self.things.iter().filter(|t| t.last > since).count()
    }
}

fn seconds(event: &Event) -> i64 {
    event.time.0.div_euclid(1_000_000)
}

fn of_type(event: &Event) -> Option<EventType> {
    event.kind.core()
}

/// Everything that an entity ever did since it was last forgotten, and nothing derived from it.
#[derive(Default)]
struct Life {
    events: Vec<Event>,
    heard_of: Option<Stamp>,
}

impl Life {
    /// Of the events that `moves` picks, those that `counts` picks too, in the last `buckets` buckets up to `now`; of
    /// those only the newest `buckets` buckets that any of them reached are known.
    fn window(
        &self,
        secs: i64,
        buckets: i64,
        now: i64,
        moves: impl Fn(&Event) -> bool,
        counts: impl Fn(&Event) -> bool,
    ) -> usize {
        let bucket = |e: &Event| seconds(e).div_euclid(secs);
        let moving = || self.events.iter().filter(|e| moves(e));
        let Some(newest) = moving().map(bucket).max() else { return 0 };
        let now = now.div_euclid(secs);
        moving().filter(|e| counts(e)).map(bucket).filter(|b| *b <= now && *b > now - buckets && *b > newest - buckets).count()
    }

    fn kept(&self, thing: impl Fn(&Event) -> u64) -> Kept {
        let mut kept = Kept::default();
        self.events.iter().for_each(|e| kept.meet(thing(e), seconds(e)));
        kept
    }

    fn step(&mut self, event: &Event, stamp: Stamp) -> Features {
        if self.heard_of.is_some_and(|last| stamp.0 - last.0 > IDLE_MAX_MICROS) {
            self.events.clear();
        }
        self.heard_of = Some(stamp);
        let mut f = [0.0; WIDTH];
        let Some(event_type) = of_type(event) else { return f };
        let now = seconds(event);
        let second_of_day = now.rem_euclid(86_400);
        let hour_of = |e: &Event| seconds(e).rem_euclid(86_400) / 3600;
        let hour = second_of_day / 3600;
        let count = |picked: &dyn Fn(&Event) -> bool| self.events.iter().filter(|e| picked(e)).count() as f32;
        let bits = |n: usize| libm::log2f((n + 1) as f32);

        f[column::HOUR_SIN] = libm::sinf(second_of_day as f32 * (2.0 * PI / 86_400.0));
        f[column::HOUR_COS] = libm::cosf(second_of_day as f32 * (2.0 * PI / 86_400.0));
        let before = self.events.len() as f32;
        f[column::TYPE_SURPRISE] = libm::log2f((before + 4.0) / (count(&|e| of_type(e) == Some(event_type)) + 0.5));
        let around = count(&|e| matches!((hour_of(e) - hour).rem_euclid(24), 0 | 1 | 23));
        f[column::HOUR_SURPRISE] = libm::log2f((before + 8.0) / (around + 1.0));
        f[column::OBJECT_NOVELTY] = self.kept(|e| e.object).novelty(event.object);
        f[column::PEER_NOVELTY] = self.kept(|e| e.peer).novelty(event.peer);
        let first = self.events.iter().map(seconds).min();
        let hourly = first.map_or(0.0, |first| {
            let last = self.events.iter().map(seconds).max().unwrap();
            before / ((last - first) as f32 / 3600.0).max(1.0)
        });

        self.events.push(*event);
        let any = |_: &Event| true;
        f[column::BURST] = bits(self.window(20, 6, now, any, |e| of_type(e) == Some(event_type)));
        f[column::RATE] = libm::log2f((self.window(300, 12, now, any, any) + 1) as f32 / (hourly + 1.0));
        f[column::FAILURES] = bits(self.window(60, 10, now, |e| e.outcome == Outcome::Failure, any));
        f[column::PEERS] = bits(self.kept(|e| e.peer).in_the_hour_before(now));
        f[column::OBJECTS] = bits(self.kept(|e| e.object).in_the_hour_before(now));
        f
    }
}

const HOUR: i64 = 3600 * 1_000_000;
const DAY: i64 = 24 * HOUR;

/// A life in one of several manners, as (event, stamp).
fn stream(seed: u64, length: usize) -> Vec<(Event, Stamp)> {
    let draw = &mut Draw(seed);
    let mut now = match draw.below(8) {
        0 => draw.within(-40 * 365 * DAY, 0),
        1 => draw.within(-2 * HOUR, 2 * HOUR),
        2 => draw.within(134 * 365 * DAY, 140 * 365 * DAY),
        3 => draw.within(5000 * 365 * DAY, 6000 * 365 * DAY),
        _ => draw.within(50 * 365 * DAY, 60 * 365 * DAY),
    };
    let mut stamp = now.max(0);
    let things = [3, 12, 16, 17, 30, 200][draw.below(6) as usize];
    let (types, failures) = (1 + draw.below(8), 1 + draw.below(6));
    let (gaps, late) = (10 + draw.below(60), 2 + draw.below(12));
    let mut burst = 0;
    let mut life = Vec::with_capacity(length);
    for index in 0..length {
        burst = if burst > 0 {
            burst - 1
        } else if draw.one_in(15) {
            draw.below(40)
        } else {
            0
        };
        now += match () {
            () if burst > 0 => draw.within(0, 2_000_000),
            () if draw.one_in(gaps) => draw.within(DAY, 9 * DAY),
            () if draw.one_in(6) => draw.within(0, 3 * HOUR),
            () if draw.one_in(5) => 0,
            () => draw.within(0, 120_000_000),
        };
        // The edges of buckets are where a window goes wrong.
        if draw.one_in(9) {
            now = now.div_euclid(300_000_000) * 300_000_000 + draw.within(-1, 2);
        }
        stamp = stamp.max(now);
        stamp += match () {
            () if draw.one_in(90) => IDLE_MAX_MICROS + draw.within(0, 2),
            () => draw.within(0, 1_000_000),
        };
        let time = match () {
            () if draw.one_in(late) => {
                let by = [90_000_000, 15 * 60_000_000, 5 * HOUR][draw.below(3) as usize];
                now - draw.within(0, by)
            }
            () if draw.one_in(200) => -draw.within(0, 10 * 365 * DAY),
            () if draw.one_in(400) => [i64::MIN, i64::MAX, 0, -1][draw.below(4) as usize],
            () => now,
        };
        let few = |draw: &mut Draw| if draw.one_in(3) { draw.below(things) } else { draw.below(3) };
        let event = Event {
            time: EventTime(time),
            entity: 7,
            host: 0,
            object: mix(1 + few(draw)),
            peer: mix(1000 + few(draw)),
            index: index as u32,
            port: 22,
            kind: if draw.one_in(25) { Kind::Log } else { Kind::Core(EventType::ALL[draw.below(types) as usize]) },
            outcome: match draw.below(failures + 1) {
                0 => Outcome::Failure,
                1 => Outcome::Success,
                _ => Outcome::Unknown,
            },
        };
        life.push((event, Stamp(stamp)));
    }
    life
}

fn assert_same(is: &Features, ought: &Features, place: impl Fn() -> String) {
    for (at, row) in FEATURES.iter().enumerate() {
        assert_eq!(is[at].to_bits(), ought[at].to_bits(), "{}: {} is {}, ought to be {}", place(), row.name, is[at], ought[at]);
    }
}

#[test]
fn features_are_those_of_the_whole_history() {
    for seed in 0..120 {
        let (mut state, mut life) = (EntityState::default(), Life::default());
        for (event, stamp) in stream(seed, 350) {
            let (is, ought) = (state.step(&event, stamp), life.step(&event, stamp));
            assert_same(&is, &ought, || format!("seed {seed}, event {}", event.index));
            assert!(RARITIES.iter().all(|at| is[*at] == 0.0), "a rarity is not the entity's to know");
        }
    }
}

#[test]
fn values_keep_to_the_ranges_of_the_table() {
    for seed in 1000..1100 {
        let mut state = EntityState::default();
        for (event, stamp) in stream(seed, 600) {
            for (value, row) in state.step(&event, stamp).iter().zip(&FEATURES) {
                let (low, high) = row.range;
                assert!((low..=high).contains(value), "seed {seed}, event {}: {} is {value}", event.index, row.name);
            }
        }
    }
}

/// Past what sixteen bits count: buckets stop there, hours and things are halved together.
#[test]
fn an_endless_burst_saturates_as_the_table_says() {
    const MOST: u64 = 65_535;
    let start = 1_780_000_000_000_000_i64.div_euclid(300_000_000) * 300_000_000;
    let hour = start.div_euclid(HOUR).rem_euclid(24) as usize;
    let (mut state, mut draw) = (EntityState::default(), Draw(5));
    let (mut objects, mut peers, mut hours) = (Kept::default(), Kept::default(), [0u64; 24]);
    let bits = |n: u64| libm::log2f((n + 1) as f32);
    for index in 0..200_000u64 {
        let object = mix(if draw.one_in(20) { 1 + draw.below(40) } else { 0 });
        let time = start + draw.within(0, 20_000_000);
        let kind = Kind::Core(EventType::AuthFailure);
        let event = Event {
            time: EventTime(time),
            entity: 7,
            host: 0,
            object,
            peer: 9,
            index: 0,
            port: 0,
            kind,
            outcome: Outcome::Failure,
        };
        let f = state.step(&event, Stamp(start));
        let secs = seconds(&event);
        let n = index as f32;
        let around = hours[hour] + hours[(hour + 1) % 24] + hours[(hour + 23) % 24];
        let ought = [
            (column::TYPE_SURPRISE, libm::log2f((n + 4.0) / (n + 0.5))),
            (column::HOUR_SURPRISE, libm::log2f((hours.iter().sum::<u64>() as f32 + 8.0) / (around as f32 + 1.0))),
            (column::OBJECT_NOVELTY, objects.novelty(object)),
            (column::PEER_NOVELTY, peers.novelty(9)),
            (column::BURST, bits((index + 1).min(MOST))),
            (column::FAILURES, bits((index + 1).min(MOST))),
            (column::RATE, libm::log2f(((index + 1).min(MOST) + 1) as f32 / (n + 1.0))),
        ];
        for (at, ought) in ought {
            assert_eq!(
                f[at].to_bits(),
                ought.to_bits(),
                "event {index}: {} is {}, ought to be {ought}",
                FEATURES[at].name,
                f[at]
            );
        }
        for (value, row) in f.iter().zip(&FEATURES) {
            assert!((row.range.0..=row.range.1).contains(value), "event {index}: {} is {value}", row.name);
        }
        objects.meet(object, secs);
        peers.meet(9, secs);
        hours[hour] += 1;
        if hours[hour] == MOST {
            hours.iter_mut().for_each(|h| *h /= 2);
        }
    }
    assert!(objects.things.len() == 16 && objects.meetings < 200_000, "the stream never came to halving");
}

/// Reclaiming memory is no decision: when it happens, and whether, changes nothing.
#[test]
fn reclaiming_idle_entities_changes_no_answer() {
    let (mut reclaimed_some, mut draw) = (false, Draw(11));
    let mut all: Vec<(Event, Stamp)> = (0..40)
        .flat_map(|entity| {
            let entity_hash = mix(entity + 1);
            stream(3 + 8 * entity, 60).into_iter().map(move |(event, stamp)| (Event { entity: entity_hash, ..event }, stamp))
        })
        .collect();
    all.sort_by_key(|(_, stamp)| *stamp);
    let (mut kept, mut tidy) = (Entities::default(), Entities::default());
    for (event, stamp) in all {
        if draw.one_in(20) {
            tidy.reclaim(stamp);
            reclaimed_some |= tidy.len() < kept.len();
        }
        let (is, ought) = (tidy.state(event.entity).step(&event, stamp), kept.state(event.entity).step(&event, stamp));
        assert_same(&is, &ought, || format!("entity {:x}, stamp {}", event.entity, stamp.0));
    }
    assert!(reclaimed_some, "nothing was ever idle");
}
