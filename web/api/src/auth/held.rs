//! Random secrets that are good for a time: link secrets and session cookies share this table.

use super::secret::{Digest, NoRandomness, random_text};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Secrets given out, hashed, each with when it ends.
///
/// **Invariant:** at most `entries_max`; a further one pushes the oldest out. All live equally long, so the oldest is in front.
#[derive(Debug)]
pub(crate) struct HeldSecrets {
    lifetime: Duration,
    entries_max: usize,
    entries: Mutex<VecDeque<(Digest, Instant)>>,
}

impl HeldSecrets {
    pub(crate) fn new(lifetime: Duration, entries_max: usize) -> Self {
        Self { lifetime, entries_max, entries: Mutex::default() }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Draws one.
    pub(crate) fn issue(&self, now: Instant) -> Result<String, NoRandomness> {
        let text = random_text()?;
        let mut entries = self.live(now);
        while entries.len() >= self.entries_max {
            entries.pop_front();
        }
        entries.push_back((Digest::of(text.as_bytes()), now + self.lifetime));
        Ok(text)
    }

    /// Whether it is one of ours and has not ended.
    pub(crate) fn holds(&self, text: &str, now: Instant) -> bool {
        let digest = Digest::of(text.as_bytes());
        self.live(now).iter().any(|(held, _)| held.matches(&digest))
    }

    /// The same, and it is gone then.
    pub(crate) fn take(&self, text: &str, now: Instant) -> bool {
        let digest = Digest::of(text.as_bytes());
        let mut entries = self.live(now);
        let before = entries.len();
        entries.retain(|(held, _)| !held.matches(&digest));
        entries.len() < before
    }

    fn live(&self, now: Instant) -> std::sync::MutexGuard<'_, VecDeque<(Digest, Instant)>> {
        // The table is whole after every operation on it, so a panic elsewhere leaves nothing to repair.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        while entries.front().is_some_and(|(_, end)| *end <= now) {
            entries.pop_front();
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_good_until_its_end_and_taken_once() {
        let held = HeldSecrets::new(Duration::from_secs(600), 2);
        let start = Instant::now();
        let one = held.issue(start).unwrap();
        let late = start + Duration::from_secs(599);
        assert!(held.holds(&one, late) && !held.holds("other", late));
        assert!(held.take(&one, late) && !held.take(&one, late));
        let two = held.issue(start).unwrap();
        assert!(!held.take(&two, start + Duration::from_secs(600)));
    }

    #[test]
    fn the_oldest_gives_way() {
        let held = HeldSecrets::new(Duration::from_secs(600), 2);
        let now = Instant::now();
        let texts: Vec<_> = (0..3).map(|_| held.issue(now).unwrap()).collect();
        assert_eq!(texts.iter().map(|t| held.holds(t, now)).collect::<Vec<_>>(), [false, true, true]);
    }
}
