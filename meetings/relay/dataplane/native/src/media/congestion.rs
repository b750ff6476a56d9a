//! Transport-wide congestion control, as a sender: the numbers on packets, and what a subscriber's feedback
//! says about them.
#![forbid(unsafe_code)]

use super::feedback::{Feedback, REFERENCE_US};
use super::reports::CongestionReport;
use super::rtp::Malformed;
use super::sequence::extend;

/// Numbers that are remembered: two seconds of 10 Mbit/s.
const REMEMBERED: u64 = 2048;
/// The receiver's clock wraps after this many µs.
const WRAP: i64 = REFERENCE_US << 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Acknowledged,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    at: u64,
    octets: u32,
    fate: Fate,
}

struct Acknowledged {
    number: u64,
    sent: u64,
    arrival: i64,
}

/// Numbers what goes to one transport, whatever its SSRC.
pub(super) struct Outgoing {
    next: u64,
    sent: Vec<Sent>,
    last: Option<Acknowledged>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Outgoing { next: 0x10000, sent: Vec::new(), last: None }
    }
}

impl Outgoing {
    /// The number for the next packet; `record` then takes it.
    pub fn number(&self) -> u16 {
        self.next as u16
    }

    pub fn record(&mut self, octets: usize, now: u64) {
        if self.sent.is_empty() {
            self.sent = vec![Sent { at: 0, octets: 0, fate: Fate::Acknowledged }; REMEMBERED as usize];
        }
        self.sent[(self.next % REMEMBERED) as usize] =
            Sent { at: now, octets: octets as u32, fate: Fate::Unknown };
        self.next += 1;
    }

    /// What a feedback (less its two SSRCs) says. Lost packets are counted when they are first missed, though
    /// they may still come.
    pub fn digest(&mut self, body: &[u8], now: u64) -> Result<CongestionReport, Malformed> {
        let feedback = Feedback::parse(body)?;
        let mut report = CongestionReport { at: now, ..CongestionReport::default() };
        let (mut first, mut last) = (None, None);
        for (sequence, arrival) in feedback.packets() {
            let number = extend(self.next, sequence);
            let sent = match self.remembered(number) {
                Some(sent) => sent,
                None => continue,
            };
            let arrival = match arrival {
                Some(arrival) => arrival,
                None if sent.fate == Fate::Unknown => {
                    sent.fate = Fate::Lost;
                    report.lost += 1;
                    continue;
                }
                None => continue,
            };
            let fresh = sent.fate != Fate::Acknowledged;
            sent.fate = Fate::Acknowledged;
            if fresh {
                report.received += 1;
                report.octets += u64::from(sent.octets);
                let acknowledged = Acknowledged { number, sent: sent.at, arrival };
                first.get_or_insert((sent.at, arrival));
                last = Some(acknowledged);
            }
        }
        self.measure(&mut report, first, last);
        Ok(report)
    }

    fn measure(
        &mut self,
        report: &mut CongestionReport,
        first: Option<(u64, i64)>,
        last: Option<Acknowledged>,
    ) {
        let last = match last {
            // One that tells of late packets only says nothing of the queue now.
            Some(last) if self.last.as_ref().map_or(true, |before| before.number < last.number) => last,
            _ => return,
        };
        let since = self.last.as_ref().map(|before| (before.sent, before.arrival)).or(first);
        if let Some((sent, arrival)) = since {
            report.sent_span_us = last.sent as i64 - sent as i64;
            report.arrival_span_us = (last.arrival - arrival + WRAP / 2).rem_euclid(WRAP) - WRAP / 2;
        }
        self.last = Some(last);
    }

    fn remembered(&mut self, number: u64) -> Option<&mut Sent> {
        if number >= self.next || number + REMEMBERED < self.next {
            return None;
        }
        self.sent.get_mut((number % REMEMBERED) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::feedback::write;
    use crate::media::testing::Random;

    fn feedback(base: u16, reference: i64, deltas: &[Option<i64>]) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, 9, base, 0, reference, deltas);
        out[12..].to_vec()
    }

    fn sent(count: u64) -> Outgoing {
        let mut outgoing = Outgoing::default();
        for step in 0..count {
            outgoing.record(100, step * 10_000);
        }
        outgoing
    }

    #[test]
    fn counts_what_came_and_what_did_not() {
        let mut outgoing = sent(5);
        let body = feedback(0, 10, &[Some(0), Some(10_000), None, Some(20_000)]);
        let report = outgoing.digest(&body, 77).unwrap();
        assert_eq!((report.at, report.received, report.lost, report.octets), (77, 3, 1, 300));
        assert_eq!((report.sent_span_us, report.arrival_span_us), (30_000, 30_000));
    }

    #[test]
    fn the_spans_reach_back_to_the_feedback_before() {
        let mut outgoing = sent(8);
        outgoing.digest(&feedback(0, 10, &[Some(0), Some(10_000)]), 0).unwrap();
        let report = outgoing.digest(&feedback(2, 10, &[Some(25_000), Some(15_000)]), 0).unwrap();
        assert_eq!(
            (report.sent_span_us, report.arrival_span_us),
            (20_000, 30_000),
            "the queue grew by 10 ms"
        );
    }

    #[test]
    fn the_clock_of_the_receiver_may_wrap() {
        let mut outgoing = sent(8);
        outgoing.digest(&feedback(0, 0x7F_FFFF, &[Some(0)]), 0).unwrap();
        let report = outgoing.digest(&feedback(1, -0x80_0000, &[Some(0)]), 0).unwrap();
        assert_eq!(report.arrival_span_us, REFERENCE_US);
    }

    #[test]
    fn what_is_told_again_counts_once() {
        let mut outgoing = sent(8);
        outgoing.digest(&feedback(0, 10, &[Some(0), None, Some(0)]), 0).unwrap();
        let report = outgoing.digest(&feedback(0, 10, &[Some(0), None, Some(0)]), 0).unwrap();
        assert_eq!((report.received, report.lost), (0, 0));
        let late = outgoing.digest(&feedback(1, 10, &[Some(90_000), Some(-90_000)]), 0).unwrap();
        assert_eq!((late.received, late.lost, late.octets), (1, 0, 100));
        assert_eq!(
            (late.sent_span_us, late.arrival_span_us),
            (0, 0),
            "a late packet says nothing of the queue"
        );
    }

    #[test]
    fn numbers_that_were_never_sent_are_ignored() {
        let mut outgoing = sent(3);
        for base in [3, 1000, 40_000, 65_000] {
            let report = outgoing.digest(&feedback(base, 10, &[Some(0), None]), 0).unwrap();
            assert_eq!((report.received, report.lost), (0, 0), "{base}");
        }
        let report = Outgoing::default().digest(&feedback(0, 10, &[Some(0)]), 0).unwrap();
        assert_eq!(report.received, 0);
    }

    #[test]
    fn numbers_long_gone_are_ignored() {
        let mut outgoing = sent(5000);
        let report = outgoing.digest(&feedback(5000 - 2049, 10, &[Some(0), Some(0)]), 0).unwrap();
        assert_eq!(report.received, 1);
    }

    #[test]
    fn any_bytes_are_survived() {
        let (mut random, mut outgoing) = (Random::new(8), sent(3000));
        for _ in 0..50_000 {
            let size = random.below(60) as usize;
            let mut body = random.bytes(size);
            if size > 8 {
                body[0] = 0x0B;
                body[2] = 0;
            }
            let _ = outgoing.digest(&body, 0);
        }
    }
}
