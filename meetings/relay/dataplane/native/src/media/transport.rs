//! What the router keeps for one transport.
#![forbid(unsafe_code)]

use std::collections::HashSet;

use super::congestion::Outgoing;
use super::news::News;
use super::numbers::ByNumber;
use super::probe::Probe;
use super::reports::TransportReport;
use super::settings::{SubscriptionId, TrackId};
use super::stash::Stash;
use super::timers::Due;
use super::twcc::Arrivals;

/// The stream that an RTX SSRC repairs, and its payload type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repair {
    pub ssrc: u32,
    pub payload_type: u8,
}

#[derive(Default)]
pub(super) struct Transport {
    pub streams: ByNumber<u32, TrackId>,
    pub repairs: ByNumber<u32, Repair>,
    pub stash: Stash,
    /// Transport-wide numbers that come: their header extension, and when.
    pub arrivals: Option<(u8, Arrivals)>,
    pub feedback: Due,
    pub reception: Due,
    /// Subscriptions by the SSRCs that they send under.
    pub outgoing: ByNumber<u32, SubscriptionId>,
    pub subscriptions: Vec<SubscriptionId>,
    /// Transport-wide numbers that go.
    pub congestion: Outgoing,
    /// What its feedback said and was not told yet.
    pub news: News,
    pub probe: Option<Probe>,
    pub probing: Due,
    pub report: TransportReport,
    used: HashSet<u32>,
}

impl Transport {
    /// False where one of the SSRCs was used here before, or both are the same.
    pub fn claim(&mut self, ssrc: u32, rtx_ssrc: Option<u32>) -> bool {
        let free = !self.used.contains(&ssrc)
            && rtx_ssrc != Some(ssrc)
            && rtx_ssrc.map_or(true, |rtx| !self.used.contains(&rtx));
        if free {
            self.used.insert(ssrc);
            self.used.extend(rtx_ssrc);
        }
        free
    }

    pub fn sent(&mut self, octets: usize) {
        self.report.sent_packets += 1;
        self.report.sent_octets += octets as u64;
    }
}
