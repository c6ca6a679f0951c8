//! A hash over everything that was decided: equal digests mean equal decisions, anomalies and ledger, to the bit.

use crate::merge::Closed;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use trustfold_operators::output::ScopeKey;
use xxhash_rust::xxh3::Xxh3;

/// Folds closed epochs, in order.
#[derive(Default)]
pub struct DecisionDigest {
    decisions: Xxh3,
    ledger: BTreeMap<ScopeKey, i64>,
    buffer: Vec<u8>,
}

impl DecisionDigest {
    /// Takes the next closed epoch.
    pub fn absorb(&mut self, epoch: u64, closed: &Closed) {
        if closed.decided.is_empty() && closed.rejected.is_empty() && closed.trust.is_empty() {
            return;
        }
        let buffer = &mut self.buffer;
        buffer.clear();
        buffer.extend_from_slice(&epoch.to_le_bytes());
        for decided in &closed.decided {
            buffer.extend_from_slice(&decided.index.to_le_bytes());
            buffer.extend_from_slice(&decided.score.to_bits().to_le_bytes());
            buffer.push(decided.verdict as u8);
        }
        for rejected in &closed.rejected {
            buffer.extend_from_slice(&rejected.index.to_le_bytes());
            buffer.extend_from_slice(rejected.reject.code.as_bytes());
        }
        for finding in &closed.findings {
            buffer.extend_from_slice(&finding.index.to_le_bytes());
            buffer.extend_from_slice(&finding.score.to_bits().to_le_bytes());
            buffer.extend_from_slice(&finding.penalty.to_le_bytes());
            for contribution in finding.contributions {
                buffer.extend_from_slice(&contribution.to_bits().to_le_bytes());
            }
        }
        self.decisions.update(buffer);
        for sum in &closed.trust {
            if sum.after == 0 {
                self.ledger.remove(&sum.scope);
            } else {
                self.ledger.insert(sum.scope, sum.after);
            }
        }
    }

    /// The digest so far, in hex.
    pub fn hex(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.decisions.digest128().to_le_bytes());
        for (scope, sum) in &self.ledger {
            hasher.update(scope.session.to_le_bytes());
            hasher.update(scope.entity.to_le_bytes());
            hasher.update(sum.to_le_bytes());
        }
        hasher.finalize().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
