//! What training collects, against a plain computation over all events, however they are shared out among workers.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use trustfold_event::event::Event;
use trustfold_event::hash::mix;
use trustfold_event::kind::{EventType, Kind, Outcome};
use trustfold_event::{Epoch, EventId, EventTime};
use trustfold_model::{FitOptions, Model, Rarity, RarityCounts, TrainingSet};
use trustfold_operators::feature_table::{WIDTH, column};
use trustfold_operators::features::Featured;
use trustfold_operators::sample::{SAMPLE_ROWS_MAX, SamplePart, Sampler, training_set};

const SESSION: EventId = EventId { epoch: Epoch(2), process: 0, index: u32::MAX };
const ASKED_BY: EventId = EventId { epoch: Epoch(9), process: 0, index: u32::MAX };

struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % n
    }
}

fn events(seed: u64, n: usize) -> Vec<(EventId, Featured)> {
    let draw = &mut Draw(seed);
    (0..n)
        .map(|i| {
            let event = Event {
                time: EventTime(draw.below(1 << 50) as i64),
                entity: mix(1 + draw.below(50)),
                host: 0,
                object: mix(100 + draw.below(30)),
                peer: mix(200 + draw.below(9)),
                index: (i % 1000) as u32,
                port: draw.below(5) as u16,
                kind: Kind::Core(EventType::ALL[draw.below(8) as usize]),
                outcome: [Outcome::Unknown, Outcome::Success, Outcome::Failure][draw.below(3) as usize],
            };
            let id = EventId { epoch: Epoch(3 + (i / 1000) as u64), process: draw.below(2) as u16, index: event.index };
            (id, Featured { event, values: std::array::from_fn(|f| if is_rarity(f) { 0.0 } else { (i * WIDTH + f) as f32 }) })
        })
        .collect()
}

fn is_rarity(at: usize) -> bool {
    matches!(
        at,
        column::OBJECT_RARITY | column::PEER_RARITY | column::PORT_RARITY | column::OUTCOME_RARITY | column::TOTAL_RARITY
    )
}

fn priority(seed: u64, id: EventId) -> u64 {
    let place = mix((id.epoch.0 << 32) | u64::from(id.index));
    mix(seed ^ place ^ (u64::from(id.process) << 48))
}

/// What is counted of an event: its object; its peer, those of connections apart; its port, by type; type and outcome.
fn keys(event: &Event) -> [u64; 4] {
    let event_type = event.kind.core().unwrap() as u64;
    let apart = u64::from(event.kind == Kind::Core(EventType::NetworkConnection));
    [
        event.object,
        mix(event.peer ^ apart),
        mix((event_type << 16) | u64::from(event.port)),
        mix(0xff00 | (event_type << 2) | event.outcome as u64),
    ]
}

/// All events sorted by priority, the first of them kept: nothing else is to know of a sample.
fn plainly(seed: u64, events: &[(EventId, Featured)], marked: &[Vec<f32>]) -> TrainingSet {
    let mut rarity = RarityCounts::new(4);
    for (_, featured) in events {
        keys(&featured.event).into_iter().enumerate().for_each(|(domain, key)| rarity.add(domain, key));
    }
    let mut sorted: Vec<_> = events.iter().map(|(id, featured)| (priority(seed, *id), *id, featured)).collect();
    sorted.sort_by_key(|(priority, id, _)| (*priority, *id));
    sorted.truncate(SAMPLE_ROWS_MAX);
    let mut rows = Vec::new();
    for (_, _, featured) in &sorted {
        let mut row = featured.values;
        let bits = keys(&featured.event).map({
            let mut domain = 0;
            let rarity = &rarity;
            move |key| {
                domain += 1;
                Rarity::bits_without(rarity, domain - 1, key)
            }
        });
        (row[column::OBJECT_RARITY], row[column::PEER_RARITY]) = (bits[0], bits[1]);
        (row[column::PORT_RARITY], row[column::OUTCOME_RARITY]) = (bits[2], bits[3]);
        row[column::TOTAL_RARITY] = bits.iter().sum();
        rows.extend(row);
    }
    for row in marked {
        (0..(sorted.len() / 256).max(1)).for_each(|_| rows.extend(row));
    }
    TrainingSet {
        width: WIDTH,
        threshold_rows: sorted.len(),
        rows,
        rarity,
        events: events.len() as u64,
        entities: events.iter().map(|(_, f)| f.event.entity).collect::<BTreeSet<_>>().len() as u64,
        marked_rows: marked.len() as u64,
        first_event: events.iter().map(|(_, f)| f.event.time).min(),
        last_event: events.iter().map(|(_, f)| f.event.time).max(),
    }
}

/// What so many workers collect, each whole entities.
fn shared_out(seed: u64, events: &[(EventId, Featured)], workers: u64, keep_all: bool) -> Vec<Arc<SamplePart>> {
    let mut samplers: Vec<Sampler> = (0..workers).map(|_| Sampler::new(keep_all)).collect();
    samplers.iter_mut().for_each(|s| s.begin(SESSION, seed));
    for (id, featured) in events {
        let worker = mix(featured.event.entity ^ 77) % workers;
        samplers[worker as usize].add(*id, featured);
    }
    samplers.iter_mut().map(|s| Arc::new(s.part(ASKED_BY).unwrap())).collect()
}

fn many() -> &'static [(EventId, Featured)] {
    static MANY: OnceLock<Vec<(EventId, Featured)>> = OnceLock::new();
    MANY.get_or_init(|| events(99, 3 * SAMPLE_ROWS_MAX + 1234))
}

#[test]
fn workers_never_change_the_training_set() {
    for seed in 0..12 {
        let events = events(seed, [0, 1, 255, 900, 4000][seed as usize % 5]);
        let marked: Vec<Vec<f32>> = (0..seed % 4).map(|m| vec![m as f32; WIDTH]).collect();
        let ought = plainly(seed, &events, &marked);
        for workers in 1..=5 {
            let mut parts = shared_out(seed, &events, workers, false);
            parts.rotate_left((seed % workers) as usize);
            assert!(training_set(&parts, &marked) == ought, "seed {seed}, {workers} workers");
            assert!(parts.iter().all(|p| (p.asked_by, p.session, p.all.len()) == (ASKED_BY, SESSION, 0)));
        }
    }
}

#[test]
fn more_events_than_rows_leave_those_of_least_priority() {
    let events = many();
    let ought = plainly(4, events, &[]);
    assert_eq!((ought.rows.len(), ought.events), (SAMPLE_ROWS_MAX * WIDTH, events.len() as u64));
    for workers in [1, 3] {
        let parts = shared_out(4, events, workers, false);
        assert!(parts.iter().all(|p| p.rows.len() <= SAMPLE_ROWS_MAX && p.rows.is_sorted_by_key(|r| (r.priority, r.id))));
        assert!(training_set(&parts, &[]) == ought, "{workers} workers");
    }
}

#[test]
fn asking_twice_answers_twice_and_a_new_session_forgets() {
    let events = many();
    let (first, rest) = events.split_at(SAMPLE_ROWS_MAX + 500);
    let mut sampler = Sampler::new(false);
    assert!(sampler.part(ASKED_BY).is_none(), "no session has begun");
    sampler.begin(SESSION, 8);
    first.iter().for_each(|(id, featured)| sampler.add(*id, featured));
    let part = |sampler: &mut Sampler| vec![Arc::new(sampler.part(ASKED_BY).unwrap())];
    let once = training_set(&part(&mut sampler), &[]);
    assert!(once == plainly(8, first, &[]));
    assert!(once == training_set(&part(&mut sampler), &[]));
    rest.iter().for_each(|(id, featured)| sampler.add(*id, featured));
    assert!(training_set(&part(&mut sampler), &[]) == plainly(8, events, &[]), "asking in between changed what is kept");
    sampler.begin(SESSION, 9);
    rest[..300].iter().for_each(|(id, featured)| sampler.add(*id, featured));
    assert!(training_set(&part(&mut sampler), &[]) == plainly(9, &rest[..300], &[]));
}

#[test]
fn every_row_is_kept_in_order_where_asked_for() {
    let events = events(21, 2500);
    let parts = shared_out(3, &events, 1, true);
    assert!(parts[0].all.iter().map(|r| (r.id, r.featured)).eq(events.iter().copied()));
    assert!(training_set(&parts, &[]) == plainly(3, &events, &[]));
}

#[test]
fn a_marked_row_weighs_as_one_in_256() {
    let events = events(22, 2570);
    let marked = vec![vec![5.0; WIDTH], vec![6.0; WIDTH]];
    let set = training_set(&shared_out(3, &events, 2, false), &marked);
    assert_eq!(set.rows.len(), (2570 + 2 * 10) * WIDTH);
    assert_eq!(set.marked_rows, 2);
    let short = vec![vec![5.0; WIDTH - 1]];
    assert_eq!(training_set(&shared_out(3, &events, 2, false), &short).rows.len(), 2570 * WIDTH, "a row of another width");
}

#[test]
fn marks_shape_the_trees_and_leave_the_threshold_to_everybody_else() {
    let seen = events(5, 4000);
    let mut sampler = Sampler::new(false);
    sampler.begin(SESSION, 5);
    seen.iter().for_each(|(id, featured)| sampler.add(*id, featured));
    let parts = [Arc::new(sampler.part(ASKED_BY).unwrap())];
    let options = FitOptions { trees: 50, tree_sample: 256, contamination: 0.005, seed: 5, feature_version: 1 };
    for marks in [0, 1, 3, 40] {
        let odd = vec![vec![1e9; WIDTH]; marks];
        let set = training_set(&parts, &odd);
        let model = Model::fit(&set, options).unwrap();
        let mut scores = Vec::new();
        model.score_rows(&set.rows[..4000 * WIDTH], &mut scores);
        let above = scores.iter().filter(|s| f64::from(**s) > model.threshold()).count();
        assert!((1..=20).contains(&above), "{marks} marks: {above} of 4000 training rows are above, 20 were asked for");
    }
}
