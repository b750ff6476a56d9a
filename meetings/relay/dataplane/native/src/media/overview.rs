//! The router's reports on everything that it has.
#![forbid(unsafe_code)]

use super::reports::{StreamReport, SubscriptionReport, TransportReport};
use super::router::Router;
use super::settings::{SubscriptionId, TransportId};
use super::stream::Stream;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    pub transports: usize,
    pub streams: usize,
    pub tracks: usize,
    pub subscriptions: usize,
    /// Packets kept for retransmission, in bytes allocated.
    pub cached_octets: usize,
}

impl Router {
    /// `each(transport, ssrc, report)` for every stream; starts a new interval for levels.
    pub fn stream_reports(&mut self, mut each: impl FnMut(TransportId, u32, &StreamReport)) {
        for stream in self.tracks.values_mut().flat_map(|track| &mut track.streams) {
            each(stream.settings.transport, stream.settings.ssrc, &stream.report());
        }
    }

    pub fn subscription_reports(&self, mut each: impl FnMut(SubscriptionId, &SubscriptionReport)) {
        for track in self.tracks.values() {
            let video = track.streams.iter().any(Stream::is_video);
            for subscription in &track.subscriptions {
                each(subscription.settings.number, &subscription.report(video));
            }
        }
    }

    pub fn transport_reports(&self, mut each: impl FnMut(TransportId, &TransportReport)) {
        self.transports.iter().for_each(|(number, transport)| each(*number, &transport.report));
    }

    pub fn sizes(&self) -> Sizes {
        let streams = || self.tracks.values().flat_map(|track| &track.streams);
        Sizes {
            transports: self.transports.len(),
            streams: streams().count(),
            tracks: self.tracks.len(),
            subscriptions: self.track_of.len(),
            cached_octets: streams().map(|stream| stream.cache.size()).sum(),
        }
    }
}
