//! Every query of the SQLite store. They stand together so that a test can ask SQLite how it would answer each.
//!
//! Lists take the position above which the last page ended, and one row more than the page, to know whether it ends.

pub(super) const WATERMARK: &str = "SELECT watermark FROM progress WHERE only_row = 1";

pub(super) const SESSIONS: &str = "SELECT start_time, id, '', document FROM sessions
    WHERE (start_time, id) < (?1, ?2) ORDER BY start_time DESC, id DESC LIMIT ?3";
pub(super) const SESSIONS_OF_MODE: &str = "SELECT start_time, id, '', document FROM sessions
    WHERE mode = ?4 AND (start_time, id) < (?1, ?2) ORDER BY start_time DESC, id DESC LIMIT ?3";
pub(super) const SESSION: &str = "SELECT document FROM sessions WHERE id = ?1";

pub(super) const ANOMALIES: &str = "SELECT 0, id, '', document FROM anomalies
    WHERE session_id = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2";
pub(super) const ANOMALIES_OPEN: &str = "SELECT 0, id, '', document FROM anomalies
    WHERE session_id = ?3 AND marked_normal = 0 AND id < ?1 ORDER BY id DESC LIMIT ?2";
pub(super) const ANOMALY: &str = "SELECT document FROM anomalies WHERE id = ?1";
pub(super) const ANOMALIES_OF_PATTERN: &str = "SELECT document FROM anomalies
    WHERE session_id = ?1 AND pattern_entity = ?2 AND pattern_event_type = ?3 AND pattern_object = ?4 AND pattern_peer = ?5
    AND marked_normal = 0 ORDER BY id";
pub(super) const ANOMALIES_OF_MARK: &str = "SELECT document FROM anomalies WHERE mark = ?1 ORDER BY id";

pub(super) const DEBTS: &str = "SELECT entity, host, SUM(penalty) FROM ledger
    WHERE session_id = ?1 AND retracted_by IS NULL GROUP BY entity, host";
pub(super) const TRUST_HISTORY: &str = "SELECT cause, ts, known_at, before, after, debt FROM trust_changes
    WHERE session_id = ?1 AND scope = ?2 ORDER BY cause DESC LIMIT ?3";

pub(super) const NOTICES: &str = "SELECT ts, id, scope, document FROM notices
    WHERE (ts, id, scope) < (?1, ?2, ?4) ORDER BY ts DESC, id DESC, scope DESC LIMIT ?3";
pub(super) const MODELS: &str = "SELECT announced, digest, '', document FROM models
    WHERE (announced, digest) < (?1, ?2) ORDER BY announced DESC, digest DESC LIMIT ?3";
pub(super) const AUDIT: &str = "SELECT ts, id, '', document FROM audit
    WHERE (ts, id) < (?1, ?2) ORDER BY ts DESC, id DESC LIMIT ?3";
pub(super) const DEAD_LETTERS: &str = "SELECT ts, id, '', document FROM dead_letters
    WHERE (ts, id) < (?1, ?2) ORDER BY ts DESC, id DESC LIMIT ?3";

#[cfg(test)]
pub(super) const ALL: &[&str] = &[
    WATERMARK,
    SESSIONS,
    SESSIONS_OF_MODE,
    SESSION,
    ANOMALIES,
    ANOMALIES_OPEN,
    ANOMALY,
    ANOMALIES_OF_PATTERN,
    ANOMALIES_OF_MARK,
    DEBTS,
    TRUST_HISTORY,
    NOTICES,
    MODELS,
    AUDIT,
    DEAD_LETTERS,
];
