//! Loss and jitter of one incoming stream (RFC 3550 sections 6.4.1, A.3 and A.8).
#![forbid(unsafe_code)]

use super::reports::SenderClock;
use super::rtcp::ReportBlock;
use super::sequence::{extend, first};

/// RFC 3550 A.1: a jump beyond this is a sender that began anew, not loss.
const MAX_DROPOUT: u64 = 3000;

#[derive(Default)]
pub(super) struct Reception {
    clock_rate: u32,
    /// 0 before the first packet.
    base: u64,
    highest: u64,
    received: u64,
    /// Expected and received at the last report.
    reported: (u64, u64),
    fraction_lost: u8,
    transit: Option<u32>,
    last_timestamp: Option<u32>,
    /// In timestamp units, times sixteen (RFC 3550 A.8).
    jitter: u64,
    pub sender_clock: Option<SenderClock>,
}

impl Reception {
    pub fn new(clock_rate: u32) -> Self {
        Reception { clock_rate, ..Reception::default() }
    }

    pub fn add(&mut self, sequence: u16, timestamp: u32, now: u64) {
        let number = if self.base == 0 { first(sequence) } else { extend(self.highest, sequence) };
        let distance = number.max(self.highest) - number.min(self.highest);
        if self.base == 0 || distance > MAX_DROPOUT {
            let number = first(sequence);
            self.base = number;
            self.highest = number;
            self.received = 0;
            self.reported = (0, 0);
        }
        self.highest = self.highest.max(number);
        self.received += 1;
        self.add_jitter(timestamp, now);
    }

    fn add_jitter(&mut self, timestamp: u32, now: u64) {
        // Packets of one frame share a timestamp and leave paced: their spacing says nothing of jitter.
        if self.last_timestamp.replace(timestamp) == Some(timestamp) {
            return;
        }
        let transit = (self.ticks(now) as u32).wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let change = u64::from((transit.wrapping_sub(before) as i32).unsigned_abs());
            self.jitter += change;
            self.jitter -= (self.jitter + 8) >> 4;
        }
    }

    fn ticks(&self, span: u64) -> u64 {
        (u128::from(span) * u128::from(self.clock_rate) / 1_000_000) as u64
    }

    fn expected(&self) -> u64 {
        if self.base == 0 {
            0
        } else {
            self.highest - self.base + 1
        }
    }

    /// Expected less received since the stream began; below zero with duplicates.
    pub fn lost(&self) -> i64 {
        self.expected() as i64 - self.received as i64
    }

    /// Of the last report, 0 to 1.
    pub fn fraction_lost(&self) -> f64 {
        f64::from(self.fraction_lost) / 256.0
    }

    /// Seconds.
    pub fn jitter(&self) -> f64 {
        self.jitter as f64 / 16.0 / f64::from(self.clock_rate.max(1))
    }

    /// The lost fraction covers the time since the report before.
    pub fn report(&mut self, ssrc: u32, now: u64) -> ReportBlock {
        let (expected, received) = (self.expected(), self.received);
        let span = expected.saturating_sub(self.reported.0);
        let lost = span.saturating_sub(received.saturating_sub(self.reported.1));
        self.reported = (expected, received);
        self.fraction_lost = (lost * 256).checked_div(span).unwrap_or(0).min(255) as u8;
        let (lsr, dlsr) = self.sender_clock.map_or((0, 0), |clock| {
            let passed = u128::from(now.saturating_sub(clock.at)) * 65_536 / 1_000_000;
            ((clock.ntp >> 16) as u32, passed.min(u128::from(u32::MAX)) as u32)
        });
        ReportBlock {
            ssrc,
            fraction_lost: self.fraction_lost,
            packets_lost: self.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest_sequence: self.highest.wrapping_sub(0x10000) as u32,
            jitter: (self.jitter >> 4).min(u64::from(u32::MAX)) as u32,
            lsr,
            dlsr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_loss_since_the_beginning_and_since_the_last_report() {
        let mut reception = Reception::new(90_000);
        for sequence in [65_534, 65_535, 1, 2] {
            reception.add(sequence, 0, 0);
        }
        let block = reception.report(9, 0);
        assert_eq!((block.fraction_lost, block.packets_lost), (51, 1));
        assert_eq!(block.highest_sequence, 0x1_0002);
        reception.add(3, 0, 0);
        let block = reception.report(9, 0);
        assert_eq!((block.fraction_lost, block.packets_lost), (0, 1));
    }

    #[test]
    fn duplicates_make_the_loss_negative_but_no_fraction() {
        let mut reception = Reception::new(90_000);
        reception.add(1, 0, 0);
        reception.add(1, 0, 0);
        let block = reception.report(9, 0);
        assert_eq!((block.fraction_lost, block.packets_lost), (0, -1));
    }

    #[test]
    fn jitter_grows_with_uneven_arrival_only() {
        let mut even = Reception::new(48_000);
        let mut uneven = Reception::new(48_000);
        for step in 0..500u64 {
            even.add(step as u16, (step * 960) as u32, step * 20_000);
            uneven.add(step as u16, (step * 960) as u32, step * 20_000 + step % 2 * 10_000);
        }
        assert!(even.jitter() < 0.000_1);
        assert!((0.009..0.011).contains(&uneven.jitter()), "{}", uneven.jitter());
    }

    #[test]
    fn packets_of_one_frame_say_nothing_of_jitter() {
        let mut reception = Reception::new(90_000);
        for step in 0..300u64 {
            reception.add(step as u16, (step / 10 * 3000) as u32, step / 10 * 33_333 + step % 10 * 3_000);
        }
        assert!(reception.jitter() < 0.000_1);
    }

    #[test]
    fn a_sender_that_begins_anew_is_not_lost_packets() {
        let mut reception = Reception::new(90_000);
        for sequence in [1, 2, 30_000, 30_001] {
            reception.add(sequence, 0, 0);
        }
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn tells_when_the_last_sender_report_came() {
        let mut reception = Reception::new(90_000);
        reception.add(1, 0, 0);
        reception.sender_clock = Some(SenderClock { ntp: 0x1234_5678_9ABC_DEF0, rtp_timestamp: 0, at: 0 });
        let block = reception.report(9, 500_000);
        assert_eq!((block.lsr, block.dlsr), (0x5678_9ABC, 32_768));
    }
}
