//! The store as a plain model over ordered maps: the oracle of the others, and a store for tests.

use super::cursor::{self, List, Position};
use super::{Change, EpochChanges, Page, PageRequest, Store, StoreError, add_debt, is_marked_normal};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use trustfold_event::control::AuditEntry;
use trustfold_event::documents::{Anomaly, DeadLetter, LedgerRow, Mode, ModelCard, Notice, Pattern, Session, TrustChange};
use trustfold_event::entity::Entity;
use trustfold_event::points::MilliPoints;
use trustfold_event::{Epoch, EventId, Stamp};

/// A store that forgets when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    watermark: Epoch,
    audit: BTreeMap<EventId, AuditEntry>,
    known: Known,
}

/// What a reset forgets.
#[derive(Clone, Debug, Default)]
struct Known {
    sessions: BTreeMap<EventId, Session>,
    anomalies: BTreeMap<EventId, Anomaly>,
    ledger: BTreeMap<EventId, (LedgerRow, Option<EventId>)>,
    trust: BTreeMap<(EventId, Entity, EventId), TrustChange>,
    notices: BTreeMap<(EventId, Entity), Notice>,
    models: BTreeMap<String, (Stamp, ModelCard)>,
    dead_letters: BTreeMap<EventId, DeadLetter>,
}

impl State {
    fn change(&mut self, change: &Change) {
        let known = &mut self.known;
        match change.clone() {
            Change::Session(session) => drop(known.sessions.insert(session.id, session)),
            Change::Anomaly(anomaly) => drop(known.anomalies.insert(anomaly.id, *anomaly)),
            Change::Ledger(row) => {
                let retracted_by = known.ledger.get(&row.anomaly).and_then(|(_, mark)| *mark);
                known.ledger.insert(row.anomaly, (row, retracted_by));
            }
            Change::Judged { anomaly, disposition, mark } => {
                if let Some(held) = known.anomalies.get_mut(&anomaly) {
                    (held.disposition, held.mark) = (disposition, mark);
                }
                if let Some((_, retracted_by)) = known.ledger.get_mut(&anomaly) {
                    *retracted_by = mark;
                }
            }
            Change::Trust(c) => drop(known.trust.insert((c.session_id, c.scope.clone(), c.cause), c)),
            Change::Notice(notice) => drop(known.notices.insert((notice.id, notice.scope.clone()), notice)),
            Change::Model(card, stamp) => drop(known.models.insert(card.digest.clone(), (stamp, card))),
            Change::Audit(entry) => drop(self.audit.insert(entry.id, entry)),
            Change::DeadLetter(letter) => drop(known.dead_letters.insert(letter.id, letter)),
            Change::Reset => *known = Known::default(),
        }
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page of a list whose documents come in any order.
fn list<'a, T: Clone + 'a>(
    list: List,
    request: &PageRequest,
    documents: impl Iterator<Item = &'a T>,
    position: impl Fn(&T) -> Position,
) -> Result<Page<T>, StoreError> {
    let start = cursor::start(list, request)?;
    let mut found: Vec<_> = documents.map(|d| (position(d), d.clone())).filter(|(at, _)| *at < start).collect();
    found.sort_by(|a, b| b.0.cmp(&a.0));
    found.truncate(request.limit.saturating_add(1));
    Ok(cursor::page(list, request, found))
}

impl Store for MemoryStore {
    fn watermark(&self) -> Result<Epoch, StoreError> {
        Ok(self.state().watermark)
    }

    fn apply(&self, epochs: &[EpochChanges]) -> Result<(), StoreError> {
        let mut state = self.state();
        for epoch in epochs {
            if epoch.epoch > state.watermark {
                epoch.changes.iter().for_each(|change| state.change(change));
                state.watermark = epoch.epoch;
            }
        }
        Ok(())
    }

    fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn sessions(&self, mode: Option<Mode>, page: &PageRequest) -> Result<Page<Session>, StoreError> {
        let state = self.state();
        let wanted = state.known.sessions.values().filter(|s| mode.is_none_or(|m| m == s.mode));
        list(List::Sessions, page, wanted, |s| Position::at(s.start_time.0, s.id))
    }

    fn session(&self, id: EventId) -> Result<Option<Session>, StoreError> {
        Ok(self.state().known.sessions.get(&id).cloned())
    }

    fn anomalies(&self, session: EventId, open_only: bool, page: &PageRequest) -> Result<Page<Anomaly>, StoreError> {
        let state = self.state();
        let wanted =
            state.known.anomalies.values().filter(|a| a.session_id == session && !(open_only && is_marked_normal(a.disposition)));
        list(List::Anomalies, page, wanted, |a| Position::of_id(a.id))
    }

    fn anomaly(&self, id: EventId) -> Result<Option<Anomaly>, StoreError> {
        Ok(self.state().known.anomalies.get(&id).cloned())
    }

    fn anomalies_of_pattern(&self, session: EventId, pattern: &Pattern) -> Result<Vec<Anomaly>, StoreError> {
        let shows = |a: &&Anomaly| a.session_id == session && a.pattern == *pattern && !is_marked_normal(a.disposition);
        Ok(self.state().known.anomalies.values().filter(shows).cloned().collect())
    }

    fn anomalies_of_mark(&self, mark: EventId) -> Result<Vec<Anomaly>, StoreError> {
        Ok(self.state().known.anomalies.values().filter(|a| a.mark == Some(mark)).cloned().collect())
    }

    fn debts(&self, session: EventId) -> Result<BTreeMap<Entity, MilliPoints>, StoreError> {
        let mut debts = BTreeMap::new();
        for (row, retracted_by) in self.state().known.ledger.values() {
            if row.session_id == session && retracted_by.is_none() {
                add_debt(&mut debts, session, &row.entity, row.host.as_deref(), row.penalty);
            }
        }
        Ok(debts)
    }

    fn trust_history(&self, session: EventId, scope: &Entity, limit: usize) -> Result<Vec<TrustChange>, StoreError> {
        let state = self.state();
        let all: Vec<_> = state.known.trust.values().filter(|c| c.session_id == session && c.scope == *scope).collect();
        Ok(all[all.len().saturating_sub(limit)..].iter().map(|c| (*c).clone()).collect())
    }

    fn notices(&self, page: &PageRequest) -> Result<Page<Notice>, StoreError> {
        list(List::Notices, page, self.state().known.notices.values(), |n| Position {
            scope: n.scope.to_string(),
            ..Position::at(n.ts.0, n.id)
        })
    }

    fn models(&self, page: &PageRequest) -> Result<Page<ModelCard>, StoreError> {
        let state = self.state();
        let found = list(List::Models, page, state.known.models.values(), |(stamp, card)| Position {
            ts: stamp.0,
            id: card.digest.clone(),
            scope: String::new(),
        })?;
        Ok(Page { data: found.data.into_iter().map(|(_, card)| card).collect(), next_cursor: found.next_cursor })
    }

    fn audit(&self, page: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        list(List::Audit, page, self.state().audit.values(), |e| Position::at(e.ts.0, e.id))
    }

    fn dead_letters(&self, page: &PageRequest) -> Result<Page<DeadLetter>, StoreError> {
        list(List::DeadLetters, page, self.state().known.dead_letters.values(), |d| Position::at(d.ts.0, d.id))
    }
}
