//! The first packets of an SSRC that is not declared yet: its first keyframe or words would else be lost.
#![forbid(unsafe_code)]

use std::collections::HashMap;

/// A packet that came before its SSRC was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stashed {
    pub at: u64,
    pub packet: Vec<u8>,
}

impl AsRef<[u8]> for Stashed {
    fn as_ref(&self) -> &[u8] {
        &self.packet
    }
}

impl AsMut<[u8]> for Stashed {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.packet
    }
}

const SSRCS: usize = 16;
/// A keyframe of 720p has about forty.
const PACKETS: usize = 64;
const BYTES: usize = 128 * 1024;
/// The control side declares within a round trip of signalling; what is older belongs to nobody (µs).
pub(super) const KEPT_FOR: u64 = 2_000_000;

/// One transport's. Bounded, so that told of each packet kept the control side hears of few.
#[derive(Default)]
pub(super) struct Stash {
    packets: HashMap<u32, Vec<Stashed>>,
    bytes: usize,
}

impl Stash {
    /// Returns whether there was room.
    pub fn keep(&mut self, ssrc: u32, packet: &[u8], now: u64) -> bool {
        if !self.packets.contains_key(&ssrc) && self.packets.len() >= SSRCS
            || self.bytes + packet.len() > BYTES
        {
            self.expire(now);
        }
        let room = self.packets.contains_key(&ssrc) || self.packets.len() < SSRCS;
        if !room || self.bytes + packet.len() > BYTES {
            return false;
        }
        let of_ssrc = self.packets.entry(ssrc).or_default();
        if of_ssrc.len() >= PACKETS {
            return false;
        }
        of_ssrc.push(Stashed { at: now, packet: packet.to_vec() });
        self.bytes += packet.len();
        true
    }

    /// In the order in which they came.
    pub fn take(&mut self, ssrc: u32) -> Vec<Stashed> {
        let taken = self.packets.remove(&ssrc).unwrap_or_default();
        self.bytes -= taken.iter().map(|stashed| stashed.packet.len()).sum::<usize>();
        taken
    }

    /// Drops SSRCs whose first packet has waited too long.
    pub fn expire(&mut self, now: u64) {
        let mut bytes = 0;
        self.packets.retain(|_, packets| {
            let keep = packets.first().map_or(false, |first| first.at + KEPT_FOR > now);
            bytes += if keep { packets.iter().map(|stashed| stashed.packet.len()).sum() } else { 0 };
            keep
        });
        self.bytes = bytes;
    }

    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(stashed: Vec<Stashed>) -> Vec<Vec<u8>> {
        stashed.into_iter().map(|stashed| stashed.packet).collect()
    }

    #[test]
    fn gives_packets_back_once_and_in_order() {
        let mut stash = Stash::default();
        assert!(stash.keep(5, b"a", 1) && stash.keep(5, b"b", 2) && stash.keep(6, b"c", 3));
        assert_eq!(packets(stash.take(5)), vec![b"a".to_vec(), b"b".to_vec()]);
        assert!(stash.take(5).is_empty());
        assert_eq!(packets(stash.take(6)), vec![b"c".to_vec()]);
        assert_eq!(stash.bytes, 0);
    }

    #[test]
    fn is_bounded_in_packets_ssrcs_and_bytes() {
        let mut stash = Stash::default();
        assert_eq!((0..1000).filter(|_| stash.keep(5, b"a", 0)).count(), PACKETS);
        assert_eq!((100..200).filter(|ssrc| stash.keep(*ssrc, b"a", 0)).count(), SSRCS - 1);
        let mut stash = Stash::default();
        let kept = (0..1000).filter(|at| stash.keep(at % 8, &[0; 1200], 0)).count();
        assert_eq!(kept, BYTES / 1200);
    }

    #[test]
    fn what_nobody_asked_for_makes_room_after_a_while() {
        let mut stash = Stash::default();
        for ssrc in 0..SSRCS as u32 {
            stash.keep(ssrc, b"a", 0);
        }
        assert!(!stash.keep(99, b"a", KEPT_FOR - 1));
        assert!(stash.keep(99, b"a", KEPT_FOR));
        assert_eq!((stash.packets.len(), stash.bytes), (1, 1));
    }
}
