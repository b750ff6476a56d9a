//! Trying a path upward: how much may be sent beyond the media, and until when.
#![forbid(unsafe_code)]

/// How often a probe sends (µs).
pub(super) const STEP: u64 = 10_000;
/// A turn that comes late makes up for no more than this (µs).
const LONGEST_STEP: u64 = 50_000;
/// bit/s.
const HIGHEST: u64 = 20_000_000;
/// µs.
const LONGEST: u64 = 10_000_000;

pub(super) struct Probe {
    bitrate: u64,
    until: u64,
    at: u64,
    /// In millionths of a bit; below zero after a packet that was longer than what had been earned.
    budget: i64,
}

impl Probe {
    pub fn new(bitrate: u64, duration: u64, now: u64) -> Self {
        Probe { bitrate: bitrate.min(HIGHEST), until: now + duration.min(LONGEST), at: now, budget: 0 }
    }

    pub fn is_over(&self, now: u64) -> bool {
        now >= self.until
    }

    /// A turn of the timer.
    pub fn earn(&mut self, now: u64) {
        let passed = now.min(self.until).saturating_sub(self.at).min(LONGEST_STEP);
        self.at = now;
        self.budget += (passed * self.bitrate) as i64;
    }

    /// Whether another packet may go.
    pub fn may_send(&self) -> bool {
        self.budget > 0
    }

    pub fn spend(&mut self, octets: usize) {
        self.budget -= octets as i64 * 8 * 1_000_000;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_at_its_bitrate_and_ends() {
        let (mut probe, mut octets, mut now) = (Probe::new(800_000, 1_000_000, 0), 0, 0);
        while !probe.is_over(now) {
            now += STEP;
            probe.earn(now);
            while probe.may_send() {
                probe.spend(1_000);
                octets += 1_000;
            }
        }
        assert!((98_000..=102_000).contains(&octets), "{octets}");
        assert_eq!(now, 1_000_000);
    }

    #[test]
    fn a_stall_is_not_made_up_for() {
        let mut probe = Probe::new(8_000_000, 10_000_000, 0);
        probe.earn(5_000_000);
        assert_eq!(probe.budget, 50_000 * 8_000_000);
    }

    #[test]
    fn is_bounded() {
        let mut probe = Probe::new(u64::MAX, u64::MAX, 0);
        probe.earn(STEP);
        assert_eq!(probe.budget, (STEP * HIGHEST) as i64);
        assert!(probe.is_over(LONGEST));
    }
}
