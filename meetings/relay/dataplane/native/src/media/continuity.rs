//! How pictures and clocks go on where a subscription changes from one stream to another.
#![forbid(unsafe_code)]

use super::codecs::Picture;
use super::rtcp::SenderReport;
use super::stream::Stream;
use super::subscription::{Packet, Segment, Subscription};

/// Reports that put a new layer further ahead of its arrival than this (s) tell of a clock that was set.
const REPORT_ERROR: u64 = 2;

impl Subscription {
    /// What makes the outgoing timestamps go on from the stream before.
    pub(super) fn timestamp_offset(&self, packet: &Packet, streams: &[Stream], now: u64) -> u32 {
        let before = match self.segments.back() {
            Some(before) => before,
            None => return 0,
        };
        let rate = u64::from(self.settings.clock_rate);
        let elapsed = (ticks(now.saturating_sub(self.last.at), rate)).max(1);
        let plausible =
            |wanted: &u32| (1..elapsed + REPORT_ERROR * rate).contains(&u64::from(self.since_last(*wanted)));
        let same = (before.stream == packet.stream)
            .then(|| packet.header.timestamp.wrapping_add(before.timestamp_offset));
        let wanted = same
            .or_else(|| self.same_instant(packet, before, streams))
            .filter(plausible)
            .unwrap_or_else(|| self.last.timestamp.wrapping_add(elapsed as u32));
        wanted.wrapping_sub(packet.header.timestamp)
    }

    fn since_last(&self, timestamp: u32) -> u32 {
        timestamp.wrapping_sub(self.last.timestamp)
    }

    /// The outgoing timestamp of the new stream's packet by both streams' sender reports.
    fn same_instant(&self, packet: &Packet, before: &Segment, streams: &[Stream]) -> Option<u32> {
        let clock = |id| streams.iter().find(|stream| stream.id == id)?.reception.sender_clock;
        let (old, new) = (clock(before.stream)?, clock(packet.stream)?);
        let apart = i128::from(new.ntp) - i128::from(old.ntp);
        let apart = (apart * i128::from(self.settings.clock_rate)) >> 32;
        let at_new_report = old.rtp_timestamp.wrapping_add(apart as u32);
        let ahead = packet.header.timestamp.wrapping_sub(new.rtp_timestamp);
        Some(at_new_report.wrapping_add(ahead).wrapping_add(before.timestamp_offset))
    }

    pub(super) fn note_picture(&mut self, picture: &Picture, segment: &Segment) {
        let (id, tl0) = segment.renumbered(picture);
        let mask = picture.id_mask();
        // A late packet does not turn the count back.
        let newer = self.last.picture.map_or(true, |last| id.wrapping_sub(last) & mask <= mask >> 1);
        if newer {
            self.last.picture = Some(id);
            self.last.tl0 = tl0;
        }
    }

    /// The publisher's clock pair, carried forward to `now` and into this SSRC's timestamps.
    pub fn sender_report(&self, streams: &[Stream], now: u64) -> Option<SenderReport> {
        let segment = self.segments.back()?;
        let stream = streams.iter().find(|stream| stream.id == segment.stream)?;
        let clock = stream.reception.sender_clock?;
        let passed = now.saturating_sub(clock.at);
        let ntp = (u128::from(passed) << 32) / 1_000_000;
        let timestamp = ticks(passed, u64::from(self.settings.clock_rate)) as u32;
        Some(SenderReport {
            ssrc: self.settings.ssrc,
            ntp: clock.ntp.wrapping_add(ntp as u64),
            rtp_timestamp: clock.rtp_timestamp.wrapping_add(timestamp).wrapping_add(segment.timestamp_offset),
            packet_count: self.packets as u32,
            octet_count: self.octets as u32,
        })
    }
}

impl Segment {
    pub fn renumbers(&self) -> bool {
        self.picture_offset != 0 || self.tl0_offset != 0
    }

    pub fn renumbered(&self, picture: &Picture) -> (u16, u8) {
        let id = picture.id.wrapping_add(self.picture_offset) & picture.id_mask();
        (id, picture.tl0.unwrap_or(0).wrapping_add(self.tl0_offset))
    }
}

fn ticks(span: u64, clock_rate: u64) -> u64 {
    (u128::from(span) * u128::from(clock_rate) / 1_000_000) as u64
}
