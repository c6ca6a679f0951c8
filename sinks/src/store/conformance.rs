//! One suite that every store must pass: whatever is applied, replayed or reopened, each query answers as
//! [`MemoryStore`] does.

pub mod generate;

use super::{EpochChanges, MemoryStore, Page, PageRequest, Store, StoreError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::fmt::Debug;
use trustfold_event::documents::Mode;

/// A store under test, and where it keeps its data.
pub trait Harness {
    /// A place without data.
    fn new() -> Self;
    /// The store, opened.
    fn store(&self) -> &dyn Store;
    /// Closes the store and opens it in the same place.
    fn reopen(&mut self);
}

/// What is done to a store between comparisons.
#[derive(Clone, Debug)]
enum Step {
    /// Applies these epochs in one call.
    Apply(Vec<EpochChanges>),
    /// Applies the last so many epochs again, as after a crash before the sink's cursor was saved.
    Replay(usize),
    /// Closes and opens.
    Reopen,
}

/// Numbers the epochs of all steps, with gaps where nothing changed.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop::collection::vec((1u64..4, generate::changes()), 1..4)
            .prop_map(|epochs| epochs.into_iter().map(|(gap, changes)| EpochChanges { epoch: trustfold_event::Epoch(gap), changes }).collect())
            .prop_map(Step::Apply),
        1 => (1usize..5).prop_map(Step::Replay),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..8).prop_map(|mut steps| {
        let mut newest = 0;
        for step in &mut steps {
            if let Step::Apply(epochs) = step {
                for epoch in epochs {
                    newest += epoch.epoch.0;
                    epoch.epoch.0 = newest;
                }
            }
        }
        steps
    })
}

/// Runs the suite over `cases` random histories. Panics, with the smallest history found, where a store differs.
///
/// # Panics
/// Where the store does not conform.
pub fn check<H: Harness>(cases: u32) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(steps(), 1usize..4), |(steps, limit)| {
        let (mut harness, oracle) = (H::new(), MemoryStore::new());
        let mut applied: Vec<EpochChanges> = Vec::new();
        for step in steps {
            // A reader who is between two pages while the step is taken.
            let turning = Turning::begin(harness.store(), &oracle, limit);
            match step {
                Step::Apply(epochs) => {
                    apply(harness.store(), &oracle, &epochs);
                    applied.extend(epochs);
                }
                Step::Replay(count) => {
                    apply(harness.store(), &oracle, &applied[applied.len().saturating_sub(count)..]);
                }
                Step::Reopen => harness.reopen(),
            }
            turning.finish(harness.store(), &oracle, limit);
            assert_same(harness.store(), &oracle, limit);
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    foreign_cursors_are_refused::<H>();
}

fn apply(store: &dyn Store, oracle: &MemoryStore, epochs: &[EpochChanges]) {
    answer(store.apply(epochs));
    answer(oracle.apply(epochs));
}

fn answer<T>(result: Result<T, StoreError>) -> T {
    result.unwrap_or_else(|e| panic!("{e}"))
}

/// Pages through a list to its end.
fn whole<T>(from: Option<String>, limit: usize, page: impl Fn(&PageRequest) -> Result<Page<T>, StoreError>) -> Vec<T> {
    let mut request = PageRequest { limit, cursor: from };
    let mut found = Vec::new();
    loop {
        let page = answer(page(&request));
        assert!(page.data.len() <= limit, "a page is never longer than asked for");
        assert!(page.next_cursor.is_none() || page.data.len() == limit, "only the last page is shorter");
        found.extend(page.data);
        match page.next_cursor {
            None => return found,
            Some(next) => request.cursor = Some(next),
        }
    }
}

fn same<T: PartialEq + Debug>(what: &str, theirs: T, oracle: T) {
    assert_eq!(theirs, oracle, "{what}");
}

/// Compares every query, page by page and at once.
///
/// # Panics
/// Where an answer differs.
pub fn assert_same(store: &dyn Store, oracle: &dyn Store, limit: usize) {
    answer(store.ping());
    same("watermark", answer(store.watermark()), answer(oracle.watermark()));
    for limit in [limit, 1000] {
        for mode in [None, Some(Mode::Training), Some(Mode::Live)] {
            same("sessions", whole(None, limit, |p| store.sessions(mode, p)), whole(None, limit, |p| oracle.sessions(mode, p)));
        }
        same("notices", whole(None, limit, |p| store.notices(p)), whole(None, limit, |p| oracle.notices(p)));
        same("models", whole(None, limit, |p| store.models(p)), whole(None, limit, |p| oracle.models(p)));
        same("audit", whole(None, limit, |p| store.audit(p)), whole(None, limit, |p| oracle.audit(p)));
        same("dead letters", whole(None, limit, |p| store.dead_letters(p)), whole(None, limit, |p| oracle.dead_letters(p)));
    }
    for session in generate::session_ids() {
        same("session", answer(store.session(session)), answer(oracle.session(session)));
        same("debts", answer(store.debts(session)), answer(oracle.debts(session)));
        for scope in generate::entities() {
            for limit in [0, limit, 1000] {
                let history = |s: &dyn Store| answer(s.trust_history(session, &scope, limit));
                same("trust history", history(store), history(oracle));
            }
        }
        for open in [false, true] {
            let anomalies = |s: &dyn Store, limit| whole(None, limit, |p| s.anomalies(session, open, p));
            same("anomalies", anomalies(store, limit), anomalies(oracle, limit));
            same("anomalies at once", anomalies(store, 1000), anomalies(oracle, 1000));
        }
        for pattern in generate::patterns() {
            let shown = |s: &dyn Store| answer(s.anomalies_of_pattern(session, &pattern));
            same("anomalies of a pattern", shown(store), shown(oracle));
        }
    }
    for id in generate::event_ids() {
        same("anomaly", answer(store.anomaly(id)), answer(oracle.anomaly(id)));
    }
    for mark in generate::mark_ids() {
        same("anomalies of a mark", answer(store.anomalies_of_mark(mark)), answer(oracle.anomalies_of_mark(mark)));
    }
    let nothing = PageRequest { limit: 0, cursor: None };
    same("a page of nothing", answer(store.audit(&nothing)).data, Vec::new());
}

/// A reader who has read a first page of the lists that grow fastest, in both stores.
struct Turning {
    anomalies: Vec<(trustfold_event::EventId, Option<String>, Option<String>)>,
    letters: (Option<String>, Option<String>),
    notices: (Option<String>, Option<String>),
}

impl Turning {
    fn begin(store: &dyn Store, oracle: &dyn Store, limit: usize) -> Self {
        let first = PageRequest { limit, cursor: None };
        let anomalies = |s: &dyn Store, id| answer(s.anomalies(id, false, &first)).next_cursor;
        Self {
            anomalies: generate::session_ids().into_iter().map(|id| (id, anomalies(store, id), anomalies(oracle, id))).collect(),
            letters: (answer(store.dead_letters(&first)).next_cursor, answer(oracle.dead_letters(&first)).next_cursor),
            notices: (answer(store.notices(&first)).next_cursor, answer(oracle.notices(&first)).next_cursor),
        }
    }

    fn finish(self, store: &dyn Store, oracle: &dyn Store, limit: usize) {
        for (session, theirs, ours) in self.anomalies.into_iter().filter(|(_, t, _)| t.is_some()) {
            let rest = |s: &dyn Store, from| whole(from, limit, |p| s.anomalies(session, false, p));
            same("the other pages of anomalies", rest(store, theirs), rest(oracle, ours));
        }
        if self.letters.0.is_some() {
            let rest = |s: &dyn Store, from| whole(from, limit, |p| s.dead_letters(p));
            same("the other pages of dead letters", rest(store, self.letters.0), rest(oracle, self.letters.1));
        }
        if self.notices.0.is_some() {
            let rest = |s: &dyn Store, from| whole(from, limit, |p| s.notices(p));
            same("the other pages of notices", rest(store, self.notices.0), rest(oracle, self.notices.1));
        }
    }
}

/// A list, of whose pages only the way on is looked at.
type NextCursor<'a> = Box<dyn Fn(&PageRequest) -> Result<Option<String>, StoreError> + 'a>;

/// A list takes its own cursors and no others.
fn foreign_cursors_are_refused<H: Harness>() {
    let harness = H::new();
    let store = harness.store();
    answer(store.apply(&[generate::two_of_each()]));
    let session = generate::session_ids()[0];
    let lists: [(&str, NextCursor<'_>); 6] = [
        ("sessions", Box::new(|p| store.sessions(None, p).map(|p| p.next_cursor))),
        ("anomalies", Box::new(move |p| store.anomalies(session, false, p).map(|p| p.next_cursor))),
        ("notices", Box::new(|p| store.notices(p).map(|p| p.next_cursor))),
        ("models", Box::new(|p| store.models(p).map(|p| p.next_cursor))),
        ("audit", Box::new(|p| store.audit(p).map(|p| p.next_cursor))),
        ("dead letters", Box::new(|p| store.dead_letters(p).map(|p| p.next_cursor))),
    ];
    for (from, list) in &lists {
        let Some(cursor) = answer(list(&PageRequest { limit: 1, cursor: None })) else {
            panic!("a list of two has a second page: {from}");
        };
        for (to, other) in &lists {
            let answer = other(&PageRequest { limit: 1, cursor: Some(cursor.clone()) });
            let refused = matches!(answer, Err(StoreError::BadCursor(_)));
            assert_eq!(refused, from != to, "a cursor of {from} in {to}");
        }
    }
    for bad in ["", "x", "'; DROP TABLE sessions; --", "s-0-0-0", "\0"] {
        for (name, list) in &lists {
            let answer = list(&PageRequest { limit: 1, cursor: Some(bad.to_owned()) });
            assert!(matches!(answer, Err(StoreError::BadCursor(_))), "{bad:?} in {name}");
        }
    }
}
