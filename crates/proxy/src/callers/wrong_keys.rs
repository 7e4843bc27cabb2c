//! Slowing down callers that guess keys.
//!
//! Owns how many wrong keys an address may send before the answers wait. Only refusals wait: a
//! right key is never delayed, so that nobody can shut out the others behind the same address. A
//! key cannot be guessed if it is long; this keeps a short one from being tried thousands of times
//! a second.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How many wrong keys of an address are answered at once in each window.
const FREE: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// The most addresses that are told apart. Further ones count as one.
const MOST_ADDRESSES: usize = 10_000;

/// How many wrong keys each address has sent of late.
#[derive(Debug, Default)]
pub(crate) struct WrongKeys(Mutex<HashMap<Option<IpAddr>, (Instant, u32)>>);

impl WrongKeys {
    /// Waits before a wrong key of this address is refused, if there were many of late.
    pub(crate) async fn slow_down(&self, address: Option<IpAddr>, delay: Duration) {
        if self.count(address.map(network)) > FREE {
            tokio::time::sleep(delay).await;
        }
    }

    /// How many there were in this window, with this one.
    fn count(&self, address: Option<IpAddr>) -> u32 {
        let now = Instant::now();
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= MOST_ADDRESSES {
            recent.retain(|_, (began, _)| now.duration_since(*began) < WINDOW);
        }
        let address = if recent.len() < MOST_ADDRESSES || recent.contains_key(&address) { address } else { None };
        let (began, count) = recent.entry(address).or_insert((now, 0));
        if now.duration_since(*began) >= WINDOW {
            (*began, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count
    }
}

/// One machine may have all addresses of a `/64`.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn waited(keys: &WrongKeys, address: &str) -> Duration {
        let began = Instant::now();
        keys.slow_down(Some(address.parse().unwrap()), Duration::from_secs(1)).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_eleventh_wrong_key_of_an_address_within_a_minute_waits() {
        let keys = WrongKeys::default();
        for _ in 0..FREE {
            assert_eq!(waited(&keys, "10.0.0.1").await, Duration::ZERO);
        }
        assert_eq!(waited(&keys, "10.0.0.1").await.as_secs(), 1);
        assert_eq!(waited(&keys, "::ffff:10.0.0.1").await.as_secs(), 1);
        assert_eq!(waited(&keys, "10.0.0.2").await, Duration::ZERO);
        tokio::time::advance(WINDOW).await;
        assert_eq!(waited(&keys, "10.0.0.1").await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_of_one_network_count_together_and_memory_is_bounded() {
        let keys = WrongKeys::default();
        for last in 0..FREE {
            waited(&keys, &format!("2001:db8::{last:x}")).await;
        }
        assert_eq!(waited(&keys, "2001:db8::ffff").await.as_secs(), 1);
        for number in 0..20_000_u32 {
            keys.count(Some(IpAddr::V4(number.into())));
        }
        assert!(keys.0.lock().unwrap().len() <= MOST_ADDRESSES + 1);
    }
}
