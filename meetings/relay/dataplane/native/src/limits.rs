//! How much strangers, and each peer, may make Python hear.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::IpAddr;

/// STUN from one address, per second in the long run. A whole ministry may sit behind one.
const STUN_RATE: u64 = 500;
const STUN_BURST: u64 = 2_000;
/// Addresses remembered. One that comes beyond them is not heard until the table is emptied of the idle.
const MOST_ADDRESSES: usize = 4_096;
/// Datagrams and packets of one peer, per second in the long run: more than the DTLS that is let in.
pub const PEER_RATE: u64 = 2_000;
pub const PEER_BURST: u64 = 4_000;

/// A token bucket; times are µs.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    /// In millionths.
    level: u64,
    at: u64,
}

impl Bucket {
    pub fn full(burst: u64, now: u64) -> Self {
        Bucket { level: burst * 1_000_000, at: now }
    }

    pub fn take(&mut self, rate: u64, burst: u64, now: u64) -> bool {
        self.refill(rate, burst, now);
        let enough = self.level >= 1_000_000;
        if enough {
            self.level -= 1_000_000;
        }
        enough
    }

    fn refill(&mut self, rate: u64, burst: u64, now: u64) {
        let earned = now.saturating_sub(self.at).saturating_mul(rate);
        self.level = self.level.saturating_add(earned).min(burst * 1_000_000);
        self.at = now;
    }

    fn is_full(&mut self, rate: u64, burst: u64, now: u64) -> bool {
        self.refill(rate, burst, now);
        self.level == burst * 1_000_000
    }
}

#[derive(Default)]
pub struct Strangers {
    buckets: HashMap<IpAddr, Bucket>,
    swept: u64,
}

impl Strangers {
    /// Whether STUN from there is to be heard.
    pub fn may_speak(&mut self, from: IpAddr, now: u64) -> bool {
        if let Some(bucket) = self.buckets.get_mut(&from) {
            return bucket.take(STUN_RATE, STUN_BURST, now);
        }
        if self.buckets.len() >= MOST_ADDRESSES && !self.sweep(now) {
            return false;
        }
        let bucket = self.buckets.entry(from).or_insert_with(|| Bucket::full(STUN_BURST, now));
        bucket.take(STUN_RATE, STUN_BURST, now)
    }

    /// Forgets who has been quiet, at most ten times a second; true where that made room.
    fn sweep(&mut self, now: u64) -> bool {
        if now.saturating_sub(self.swept) < 100_000 {
            return false;
        }
        self.swept = now;
        self.buckets.retain(|_, bucket| !bucket.is_full(STUN_RATE, STUN_BURST, now));
        self.buckets.len() < MOST_ADDRESSES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from(number).into()
    }

    #[test]
    fn a_flood_from_one_address_is_cut_down_to_the_rate_and_others_are_heard() {
        let mut strangers = Strangers::default();
        let heard = (0..10_000).filter(|_| strangers.may_speak(address(1), 5)).count() as u64;
        assert_eq!(heard, STUN_BURST);
        let later = 5 + 2_000_000;
        let heard = (0..10_000).filter(|_| strangers.may_speak(address(1), later)).count() as u64;
        assert_eq!(heard, 2 * STUN_RATE);
        assert!(strangers.may_speak(address(2), later));
    }

    #[test]
    fn forged_addresses_take_bounded_room_and_are_forgotten() {
        let mut strangers = Strangers::default();
        let heard = (0..100_000).filter(|number| strangers.may_speak(address(*number), 1_000_000)).count();
        assert_eq!((heard, strangers.buckets.len()), (MOST_ADDRESSES, MOST_ADDRESSES));
        assert!(strangers.may_speak(address(200_000), 2_000_000));
        assert_eq!(strangers.buckets.len(), 1);
    }
}
