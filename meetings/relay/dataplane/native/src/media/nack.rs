//! Which packets to ask a publisher for again, and when to stop asking.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use super::sequence::{extend, first};

/// What a publisher still has in its cache: libwebrtc keeps about a second of packets.
const WINDOW: u64 = 500;
/// A longer outage is over sooner with a keyframe than with all its packets; and whoever lets numbers leap
/// must not make us note more than a few for each packet.
const BURST: u64 = 100;
/// A packet that another has merely overtaken comes within this time (µs).
const PATIENCE: u64 = 10_000;
const RETRY_AFTER: u64 = 80_000;
const MAX_REQUESTS: u8 = 8;

struct Missing {
    number: u64,
    ask_at: u64,
    asked: u8,
}

/// Follows one stream's numbers. `take_keyframe_need` tells once that packets were given up.
#[derive(Default)]
pub(super) struct Nacks {
    /// 0 before the first packet.
    highest: u64,
    /// In ascending order.
    missing: VecDeque<Missing>,
    needs_keyframe: bool,
}

impl Nacks {
    /// A packet arrived; the numbers skipped before it are missing from now on.
    pub fn add(&mut self, sequence: u16, now: u64) {
        if self.highest == 0 {
            self.highest = first(sequence);
            return;
        }
        let number = extend(self.highest, sequence);
        if number <= self.highest {
            self.found(number);
            return;
        }
        if number - self.highest - 1 > BURST {
            self.give_up_all();
        } else {
            let ask_at = now + PATIENCE;
            self.missing.extend((self.highest + 1..number).map(|number| Missing {
                number,
                ask_at,
                asked: 0,
            }));
        }
        self.highest = number;
        while self.missing.front().map_or(false, |oldest| oldest.number + WINDOW < number) {
            self.missing.pop_front();
            self.needs_keyframe = true;
        }
    }

    fn found(&mut self, number: u64) {
        if let Ok(index) = self.missing.binary_search_by_key(&number, |missing| missing.number) {
            self.missing.remove(index);
        }
    }

    fn give_up_all(&mut self) {
        self.missing.clear();
        self.needs_keyframe = true;
    }

    /// The numbers to ask for at `now`, oldest first, are appended to `wanted`; at most 500.
    pub fn due(&mut self, now: u64, wanted: &mut Vec<u16>) {
        let before = self.missing.len();
        self.missing.retain(|missing| missing.asked < MAX_REQUESTS || missing.ask_at > now);
        self.needs_keyframe |= self.missing.len() < before;
        for missing in self.missing.iter_mut().filter(|missing| missing.ask_at <= now) {
            missing.asked += 1;
            missing.ask_at = now + RETRY_AFTER;
            wanted.push(missing.number as u16);
        }
    }

    /// Whether there is anything to ask for, now or later.
    pub fn is_wanting(&self) -> bool {
        self.needs_keyframe || !self.missing.is_empty()
    }

    /// When `due` has something to say.
    pub fn next_due(&self) -> Option<u64> {
        self.missing.iter().map(|missing| missing.ask_at).min()
    }

    pub fn take_keyframe_need(&mut self) -> bool {
        std::mem::take(&mut self.needs_keyframe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::Random;

    fn due(nacks: &mut Nacks, now: u64) -> Vec<u16> {
        let mut wanted = Vec::new();
        nacks.due(now, &mut wanted);
        wanted
    }

    #[test]
    fn asks_for_what_is_missing_across_the_wrap() {
        let mut nacks = Nacks::default();
        nacks.add(65_533, 0);
        nacks.add(1, 0);
        assert_eq!(due(&mut nacks, PATIENCE - 1), vec![]);
        nacks.add(65_535, 5_000);
        assert_eq!(due(&mut nacks, PATIENCE), vec![65_534, 0]);
    }

    #[test]
    fn asks_eight_times_and_then_for_a_keyframe() {
        let mut nacks = Nacks::default();
        nacks.add(1, 0);
        nacks.add(3, 0);
        let mut asked = 0;
        for now in (0..2_000_000).step_by(5_000) {
            asked += due(&mut nacks, now).len();
        }
        assert_eq!(asked, 8);
        assert!(nacks.take_keyframe_need());
        assert!(!nacks.take_keyframe_need(), "told once");
        assert_eq!(nacks.next_due(), None);
    }

    #[test]
    fn asks_again_after_80_ms() {
        let mut nacks = Nacks::default();
        nacks.add(1, 0);
        nacks.add(3, 0);
        assert_eq!(due(&mut nacks, PATIENCE), vec![2]);
        assert_eq!(nacks.next_due(), Some(PATIENCE + RETRY_AFTER));
        assert_eq!(due(&mut nacks, PATIENCE + RETRY_AFTER - 1), vec![]);
        assert_eq!(due(&mut nacks, PATIENCE + RETRY_AFTER), vec![2]);
    }

    #[test]
    fn a_long_outage_asks_for_a_keyframe_instead() {
        let mut nacks = Nacks::default();
        nacks.add(1, 0);
        nacks.add(102, 0);
        assert_eq!(due(&mut nacks, PATIENCE).len(), 100);
        nacks.add(204, 0);
        assert_eq!(due(&mut nacks, PATIENCE), vec![]);
        assert!(nacks.take_keyframe_need());
    }

    #[test]
    fn leaping_numbers_are_bounded() {
        let (mut nacks, mut random) = (Nacks::default(), Random::new(4));
        let mut sequence = 0u16;
        for step in 0..50_000 {
            sequence = sequence.wrapping_add(random.below(101) as u16);
            nacks.add(sequence, step * 10);
            assert!(nacks.missing.len() as u64 <= WINDOW);
        }
    }
}
