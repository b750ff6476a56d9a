//! The reports as they were a moment ago, for Python to look up: written into one buffer while the other is
//! read.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use crate::link::Link;
use crate::media::{Router, StreamReport, SubscriptionId, SubscriptionReport, TransportId, TransportReport};
use crate::peers::Peers;

/// Levels tell who speaks (µs).
const STREAMS_INTERVAL: u64 = 100_000;
const PEERS_INTERVAL: u64 = 250_000;
/// How soon reports are offered again to a Python that was just reading the ones before (µs).
const RETRY: u64 = 2_000;

pub type StreamReports = HashMap<(TransportId, u32), StreamReport>;

#[derive(Default)]
pub struct PeerReports {
    pub subscriptions: HashMap<SubscriptionId, SubscriptionReport>,
    /// With the packets that could not be sent.
    pub transports: HashMap<TransportId, (TransportReport, u64)>,
}

/// When reports of one kind are due, and whether they are written and wait to be exchanged.
#[derive(Default)]
struct Round {
    due: u64,
    written: bool,
}

/// The thread's side.
#[derive(Default)]
pub struct Reporter {
    streams: StreamReports,
    peers: PeerReports,
    stream_round: Round,
    peer_round: Round,
    /// Nobody was there the last time.
    empty: bool,
}

impl Reporter {
    /// `None` while there is nothing to report on.
    pub fn next_due(&self, peers: &Peers) -> Option<u64> {
        let idle = self.empty && peers.is_empty();
        (!idle).then(|| self.stream_round.due.min(self.peer_round.due))
    }

    pub fn turn(&mut self, now: u64, router: &mut Router, peers: &mut Peers, link: &Link) {
        let Reporter { streams, peers: reports, .. } = self;
        self.stream_round.turn(now, STREAMS_INTERVAL, |written| {
            if !written {
                streams.clear();
                router.stream_reports(|transport, ssrc, report| {
                    streams.insert((transport, ssrc), report.clone());
                });
            }
            link.exchange_streams(streams)
        });
        let empty = peers.is_empty();
        let told = self.peer_round.turn(now, PEERS_INTERVAL, |written| {
            if !written {
                reports.write(router, peers);
            }
            link.exchange_peers(reports)
        });
        if told {
            self.empty = empty;
        }
    }
}

impl Round {
    /// `write(whether that was done before)` gives true once the reports were exchanged; so does this.
    fn turn(&mut self, now: u64, interval: u64, write: impl FnOnce(bool) -> bool) -> bool {
        if now < self.due {
            return false;
        }
        let exchanged = write(self.written);
        self.written = !exchanged;
        self.due = now + if exchanged { interval } else { RETRY };
        exchanged
    }
}

impl PeerReports {
    fn write(&mut self, router: &Router, peers: &mut Peers) {
        self.subscriptions.clear();
        self.transports.clear();
        router.subscription_reports(|number, report| {
            self.subscriptions.insert(number, *report);
        });
        router.transport_reports(|number, report| {
            let dropped = peers.get(number).map_or(0, |peer| peer.send_dropped);
            self.transports.insert(number, (*report, dropped));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_appear_and_vanish_with_their_transport_also_while_python_reads() {
        let (mut reporter, link) = (Reporter::default(), Link::new().unwrap());
        let (mut router, mut peers, one) = (Router::new(8), Peers::default(), TransportId(1));
        assert!(reporter.next_due(&peers).is_some(), "of nobody, once");
        reporter.turn(1, &mut router, &mut peers, &link);
        assert_eq!(reporter.next_due(&peers), None);

        router.open(one);
        peers.open(one, true, 1);
        let now = reporter.next_due(&peers).unwrap().max(PEERS_INTERVAL + 1);
        let reading = link.peers();
        reporter.turn(now, &mut router, &mut peers, &link);
        drop(reading);
        assert!(link.peers().transports.is_empty());
        reporter.turn(now + RETRY, &mut router, &mut peers, &link);
        assert_eq!(link.peers().transports.get(&one), Some(&(TransportReport::default(), 0)));

        router.close(one);
        peers.close(one);
        let later = now + RETRY + PEERS_INTERVAL;
        reporter.turn(later, &mut router, &mut peers, &link);
        assert!(link.peers().transports.is_empty());
        assert_eq!(reporter.next_due(&peers), None);
    }
}
