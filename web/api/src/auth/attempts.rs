//! A bound on wrong tokens from one address: a fixed window.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Wrong tokens that an address may show within a window.
pub(crate) const WRONG_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
const ADDRESSES_MAX: usize = 4096;

/// Counts wrong tokens.
///
/// **Invariant:** at most [`ADDRESSES_MAX`] addresses; when they are all in their windows, further ones share one count.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<Option<IpAddr>, (Instant, u32)>>);

impl Attempts {
    /// Seconds until the address may try again, where it has used up its window.
    pub(crate) fn wait_secs(&self, address: IpAddr, now: Instant) -> Option<u64> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, wrong) = table.get(&Some(network(address))).or_else(|| table.get(&None))?;
        let left = WINDOW.checked_sub(now.saturating_duration_since(*start))?;
        (*wrong >= WRONG_MAX && !left.is_zero()).then(|| left.as_secs() + 1)
    }

    /// Notes a wrong token.
    pub(crate) fn wrong(&self, address: IpAddr, now: Instant) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Some(network(address));
        if table.len() >= ADDRESSES_MAX && !table.contains_key(&key) {
            table.retain(|_, (start, _)| now.saturating_duration_since(*start) < WINDOW);
            if table.len() >= ADDRESSES_MAX {
                key = None;
            }
        }
        let entry = table.entry(key).or_insert((now, 0));
        if now.saturating_duration_since(entry.0) >= WINDOW {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

/// A single IPv6 client commonly has a /64 to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_window_fills_and_ends() {
        let attempts = Attempts::default();
        let (home, start) = (IpAddr::from([127, 0, 0, 1]), Instant::now());
        for _ in 0..WRONG_MAX {
            assert_eq!(attempts.wait_secs(home, start), None);
            attempts.wrong(home, start);
        }
        assert!(attempts.wait_secs(home, start + Duration::from_secs(59)).is_some());
        assert_eq!(attempts.wait_secs(IpAddr::from([127, 0, 0, 2]), start), None);
        assert_eq!(attempts.wait_secs(home, start + Duration::from_secs(60)), None);
    }

    #[test]
    fn one_subnet_counts_as_one_and_the_table_is_bounded() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for host in 0..WRONG_MAX as u16 {
            attempts.wrong(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host]), now);
        }
        assert!(attempts.wait_secs("2001:db8::ffff".parse().unwrap(), now).is_some());
        for n in 0..2 * ADDRESSES_MAX as u32 {
            attempts.wrong(Ipv4Addr::from(n).into(), now);
        }
        assert!(attempts.0.lock().unwrap().len() <= ADDRESSES_MAX + 1);
        assert!(attempts.wait_secs(Ipv4Addr::from(u32::MAX).into(), now).is_some());
    }
}
