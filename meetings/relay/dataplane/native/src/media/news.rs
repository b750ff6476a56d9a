//! When a subscriber's feedback is worth telling: Python is not woken twenty times a second to hear that all
//! is well.
#![forbid(unsafe_code)]

use super::reports::CongestionReport;

/// While nothing happens (µs).
const CALM: u64 = 1_000_000;
/// For so long after something has happened every feedback is told (µs).
const ATTENTION: u64 = 5_000_000;
/// A queue that has grown by so much is something (µs); half of what counts as over-use.
const GROWN: i64 = 10_000;

/// Digests of one transport that were not told yet, as one.
#[derive(Default)]
pub(super) struct News {
    pending: Option<CongestionReport>,
    told_at: Option<u64>,
    attentive_until: u64,
}

impl News {
    /// Every feedback counts now: a probe is on its way.
    pub fn attend(&mut self, now: u64) {
        self.attentive_until = now + ATTENTION;
    }

    /// Adds a digest; what is to be told now.
    pub fn add(&mut self, report: CongestionReport, now: u64) -> Option<CongestionReport> {
        let mut sum = self.pending.take().unwrap_or_default();
        sum.at = now;
        sum.received += report.received;
        sum.lost += report.lost;
        sum.octets += report.octets;
        sum.sent_span_us += report.sent_span_us;
        sum.arrival_span_us += report.arrival_span_us;
        if sum.lost > 0 || sum.arrival_span_us - sum.sent_span_us > GROWN {
            self.attend(now);
        }
        let due = self.told_at.map_or(true, |told| now >= told + CALM);
        if due || now < self.attentive_until {
            self.told_at = Some(now);
            return Some(sum);
        }
        self.pending = Some(sum);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lost: u32, growth: i64) -> CongestionReport {
        CongestionReport {
            received: 10,
            lost,
            octets: 1000,
            sent_span_us: 100_000,
            arrival_span_us: 100_000 + growth,
            ..CongestionReport::default()
        }
    }

    #[test]
    fn while_nothing_happens_a_seconds_digests_are_told_as_one() {
        let mut news = News::default();
        let told: Vec<_> = (0..21).filter_map(|step| news.add(report(0, 0), step * 100_000)).collect();
        assert_eq!(told.iter().map(|sum| sum.received).collect::<Vec<_>>(), vec![10, 100, 100]);
        assert_eq!((told[1].at, told[1].octets, told[1].sent_span_us), (1_000_000, 10_000, 1_000_000));
    }

    #[test]
    fn loss_and_a_growing_queue_are_told_at_once_and_so_is_what_follows() {
        for bad in [report(1, 0), report(0, 11_000)] {
            let mut news = News::default();
            news.add(report(0, 0), 0);
            assert!(news.add(report(0, 0), 100_000).is_none());
            let told = news.add(bad, 200_000).unwrap();
            assert_eq!(told.received, 20, "with what was kept");
            assert!(news.add(report(0, 0), 300_000).is_some());
            assert!(news.add(report(0, 0), 5_250_000).is_some(), "calm is told once a second");
            assert!(news.add(report(0, 0), 5_300_000).is_none());
        }
    }

    #[test]
    fn a_queue_that_grows_slowly_is_told_of_too() {
        let mut news = News::default();
        let told = (0..8).filter(|step| news.add(report(0, 2_000), step * 100_000).is_some()).count();
        assert_eq!(told, 3, "the first, and from the sixth on");
    }

    #[test]
    fn during_a_probe_everything_is_told() {
        let mut news = News::default();
        news.add(report(0, 0), 0);
        news.attend(50_000);
        assert!(news.add(report(0, 0), 100_000).is_some());
    }
}
