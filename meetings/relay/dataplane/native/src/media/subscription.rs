//! What one subscriber gets of one track: its packets under one SSRC, across layer switches.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::ops::Range;

use super::codecs::Picture;
use super::congestion::Outgoing;
use super::red;
use super::reports::SubscriptionReport;
use super::rtcp::SenderReport;
use super::rtp::Header;
use super::sequence::extend;
use super::settings::SubscriptionSettings;
use super::stream::{Media, Stream};
use super::template::{Fields, Template, TooLong};
use super::timers::Due;

/// Each packet forwarded earns one retransmission, so that NACKs cannot amplify beyond twice the media.
const MAX_CREDIT: u16 = 256;
/// A second has few switches; what was sent before these is not sent again.
const SEGMENTS: usize = 8;
/// Reports that put a new layer further ahead of its arrival than this (s) tell of a clock that was set.
const REPORT_ERROR: u64 = 2;
/// Of a padding-only packet: as much as its last byte can count.
const PADDING: u8 = 255;

/// A packet of one of the track's streams.
#[derive(Clone, Copy)]
pub(super) struct Packet<'a> {
    pub stream: u64,
    pub ssrc: u32,
    pub header: &'a Header,
    pub media: &'a Media,
    pub bytes: &'a [u8],
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Forwarded {
    /// A packet of this length was written.
    Written(usize),
    Nothing,
    /// Nothing: the stream's next keyframe is waited for.
    AwaitsKeyframe,
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not negotiated: under the first SSRC a packet sent again would repeat its nonce.
    NoRtx,
    NoCredit,
    TooLong,
}

/// From `out` on, packets of `stream` from `number` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub stream: u64,
    number: u64,
    out: u64,
    timestamp_offset: u32,
    picture_offset: u16,
    tl0_offset: u8,
}

/// What the last packet said, for the next stream to go on from.
#[derive(Default)]
struct Last {
    timestamp: u32,
    at: u64,
    picture: Option<u16>,
    tl0: u8,
}

pub(super) struct Subscription {
    pub settings: SubscriptionSettings,
    /// When the next sender report is due.
    pub report: Due,
    /// Something was sent since the last sender report.
    pub active: bool,
    pub nacked: u64,
    pub retransmitted: u64,
    template: Template,
    target: Option<u32>,
    /// The stream forwarded now: its number and SSRC.
    current: Option<(u64, u32)>,
    segments: VecDeque<Segment>,
    next: u64,
    last: Last,
    packets: u64,
    octets: u64,
    switches: u64,
    credit: u16,
    rtx_sequence: u16,
}

impl Subscription {
    pub fn new(settings: SubscriptionSettings) -> Self {
        let first = |ssrc: u32| (ssrc.wrapping_mul(0x9E37_79B1) >> 17) as u16;
        Subscription {
            template: Template::new(&settings),
            report: Due::default(),
            active: false,
            nacked: 0,
            retransmitted: 0,
            target: None,
            current: None,
            segments: VecDeque::new(),
            // The control side draws the SSRC at random, and with it the first number (RFC 3550 section 5.1).
            next: 0x10000 + u64::from(first(settings.ssrc)),
            last: Last::default(),
            packets: 0,
            octets: 0,
            switches: 0,
            credit: 0,
            rtx_sequence: settings.rtx.map_or(0, |(ssrc, _)| first(ssrc)),
            settings,
        }
    }

    /// The layer to change to; `None` pauses at once.
    pub fn steer(&mut self, ssrc: Option<u32>) {
        self.target = ssrc;
        if ssrc.is_none() {
            self.current = None;
        }
    }

    /// The SSRC whose keyframe this subscription waits for, should its stream be of video.
    pub fn awaits(&self) -> Option<u32> {
        self.target.filter(|target| self.current.map_or(true, |(_, ssrc)| ssrc != *target))
    }

    /// The SSRC that a keyframe would be of use from.
    pub fn source(&self) -> Option<u32> {
        self.awaits().or(self.current.map(|(_, ssrc)| ssrc))
    }

    /// A stream has ended; another one of its SSRC would be counted anew.
    pub fn forget(&mut self, stream: u64) {
        if self.current.map_or(false, |(current, _)| current == stream) {
            self.current = None;
        }
    }

    /// Whether `forward` may have something to do with the packet.
    pub fn takes(&self, packet: &Packet) -> bool {
        self.target == Some(packet.ssrc) || self.current.map_or(false, |(stream, _)| stream == packet.stream)
    }

    pub fn can_probe(&self) -> bool {
        self.settings.rtx.is_some()
    }

    /// Writes the packet as this subscriber is to receive it.
    pub fn forward(
        &mut self,
        packet: &Packet,
        streams: &[Stream],
        congestion: &mut Outgoing,
        now: u64,
        out: &mut [u8],
    ) -> Forwarded {
        if self.current.map_or(true, |(stream, _)| stream != packet.stream) {
            if self.target != Some(packet.ssrc) {
                return Forwarded::Nothing;
            }
            if is_video(packet.stream, streams) && !packet.media.keyframe {
                return Forwarded::AwaitsKeyframe;
            }
            self.switch(packet, streams, now);
        }
        let segment = match self.segments.back() {
            Some(segment) if packet.media.number >= segment.number => *segment,
            _ => return Forwarded::Nothing,
        };
        let number = segment.out + (packet.media.number - segment.number);
        match self.write(packet, &segment, number, None, congestion, now, out) {
            Ok(length) => {
                self.sent(packet, &segment, number, length, now);
                Forwarded::Written(length)
            }
            Err(TooLong) => Forwarded::TooLong,
        }
    }

    fn sent(&mut self, packet: &Packet, segment: &Segment, number: u64, length: usize, now: u64) {
        self.next = self.next.max(number + 1);
        self.last.timestamp = packet.header.timestamp.wrapping_add(segment.timestamp_offset);
        self.last.at = now;
        if let Some(picture) = packet.media.picture.filter(Picture::has_id) {
            self.note_picture(&picture, segment);
        }
        self.packets += 1;
        self.octets += (length - self.template.size()) as u64;
        self.active = true;
        self.credit = (self.credit + 1).min(MAX_CREDIT);
    }

    fn note_picture(&mut self, picture: &Picture, segment: &Segment) {
        let (id, tl0) = segment.renumbered(picture);
        let mask = picture.id_mask();
        // A late packet does not turn the count back.
        let newer = self.last.picture.map_or(true, |last| id.wrapping_sub(last) & mask <= mask >> 1);
        if newer {
            self.last.picture = Some(id);
            self.last.tl0 = tl0;
        }
    }

    fn switch(&mut self, packet: &Packet, streams: &[Stream], now: u64) {
        let timestamp_offset = self.timestamp_offset(packet, streams, now);
        let (mut picture_offset, mut tl0_offset) = (0, 0);
        if let (Some(picture), Some(last)) = (&packet.media.picture, self.last.picture) {
            picture_offset = last.wrapping_add(1).wrapping_sub(picture.id);
            tl0_offset = self.last.tl0.wrapping_add(1).wrapping_sub(picture.tl0.unwrap_or(0));
        }
        if self.segments.len() == SEGMENTS {
            self.segments.pop_front();
        }
        self.segments.push_back(Segment {
            stream: packet.stream,
            number: packet.media.number,
            out: self.next,
            timestamp_offset,
            picture_offset,
            tl0_offset,
        });
        self.switches += u64::from(self.current.is_some());
        self.current = Some((packet.stream, packet.ssrc));
    }

    /// What makes the outgoing timestamps go on from the stream before.
    fn timestamp_offset(&self, packet: &Packet, streams: &[Stream], now: u64) -> u32 {
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

    /// `rtx`: under that SSRC and type, as RFC 4588 wants it, the original number before the payload.
    #[allow(clippy::too_many_arguments)]
    fn write(
        &mut self,
        packet: &Packet,
        segment: &Segment,
        number: u64,
        rtx: Option<(u32, u8)>,
        congestion: &mut Outgoing,
        now: u64,
        out: &mut [u8],
    ) -> Result<usize, TooLong> {
        let (payload_type, payload) = self.encoding(packet);
        let (ssrc, payload_type) = rtx.unwrap_or((self.settings.ssrc, payload_type));
        let fields = Fields {
            marker: packet.header.marker,
            payload_type,
            sequence: if rtx.is_some() { self.rtx_sequence } else { number as u16 },
            timestamp: packet.header.timestamp.wrapping_add(segment.timestamp_offset),
            ssrc,
            number: congestion.number(),
            now,
        };
        let original = (number as u16).to_be_bytes();
        let prefix = if rtx.is_some() { &original[..] } else { &[] };
        let length = self.template.write(&fields, [prefix, &packet.bytes[payload]], out)?;
        if let Some(picture) = packet.media.picture.filter(|_| segment.renumbers()) {
            let (id, tl0) = segment.renumbered(&picture);
            picture.renumber(&mut out[self.template.size() + prefix.len()..length], id, tl0);
        }
        if packet.media.primary.is_some() && self.settings.red_payload_type.is_some() {
            red::renumber(&mut out[self.template.size()..length], self.settings.payload_type);
        }
        self.count(length, congestion, now);
        Ok(length)
    }

    /// RED where the subscriber has negotiated it, else what is primary in it.
    fn encoding(&self, packet: &Packet) -> (u8, Range<usize>) {
        let whole = || packet.header.payload.clone();
        match (&packet.media.primary, self.settings.red_payload_type) {
            (Some(_), Some(red)) => (red, whole()),
            (Some(primary), None) => (self.settings.payload_type, primary.clone()),
            (None, _) => (self.settings.payload_type, whole()),
        }
    }

    fn count(&self, length: usize, congestion: &mut Outgoing, now: u64) {
        if self.template.has_number() {
            congestion.record(length, now);
        }
    }

    /// Where a packet that was sent under this number came from: its segment, and its number in the stream.
    pub fn origin(&self, sequence: u16) -> Option<(Segment, u64)> {
        let out = extend(self.next - 1, sequence);
        if out >= self.next {
            return None;
        }
        let segment = self.segments.iter().rev().find(|segment| segment.out <= out)?;
        Some((*segment, segment.number + (out - segment.out)))
    }

    /// The segment and number of the packet sent `back` packets ago.
    pub fn recent(&self, back: u64) -> Option<(Segment, u64)> {
        self.origin((self.next - 1).checked_sub(back)? as u16)
    }

    /// Takes one credit, if a retransmission may be sent at all.
    pub fn spend_credit(&mut self) -> Result<(), Refused> {
        if self.settings.rtx.is_none() {
            return Err(Refused::NoRtx);
        }
        self.credit = self.credit.checked_sub(1).ok_or(Refused::NoCredit)?;
        Ok(())
    }

    /// Writes a packet again.
    pub fn retransmit(
        &mut self,
        packet: &Packet,
        segment: &Segment,
        congestion: &mut Outgoing,
        now: u64,
        out: &mut [u8],
    ) -> Result<usize, Refused> {
        let rtx = self.settings.rtx.ok_or(Refused::NoRtx)?;
        let number = segment.out + (packet.media.number - segment.number);
        let length = self
            .write(packet, segment, number, Some(rtx), congestion, now, out)
            .map_err(|TooLong| Refused::TooLong)?;
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        Ok(length)
    }

    /// Writes an RTX packet of nothing but padding, to try the path.
    pub fn pad(&mut self, congestion: &mut Outgoing, now: u64, out: &mut [u8]) -> Result<usize, Refused> {
        let (ssrc, payload_type) = self.settings.rtx.ok_or(Refused::NoRtx)?;
        let fields = Fields {
            marker: false,
            payload_type,
            sequence: self.rtx_sequence,
            timestamp: self.last.timestamp,
            ssrc,
            number: congestion.number(),
            now,
        };
        let mut padding = [0; PADDING as usize];
        padding[PADDING as usize - 1] = PADDING;
        let length =
            self.template.write(&fields, [&[], &padding], out).map_err(|TooLong| Refused::TooLong)?;
        out[0] |= 0x20;
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        self.count(length, congestion, now);
        Ok(length)
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

    pub fn report(&self, video: bool) -> SubscriptionReport {
        SubscriptionReport {
            current_ssrc: self.current.map(|(_, ssrc)| ssrc),
            packets: self.packets,
            octets: self.octets,
            switches: self.switches,
            nacked: self.nacked,
            retransmitted: self.retransmitted,
            waiting_keyframe: video && self.awaits().is_some(),
        }
    }
}

impl Segment {
    fn renumbers(&self) -> bool {
        self.picture_offset != 0 || self.tl0_offset != 0
    }

    fn renumbered(&self, picture: &Picture) -> (u16, u8) {
        let id = picture.id.wrapping_add(self.picture_offset) & picture.id_mask();
        (id, picture.tl0.unwrap_or(0).wrapping_add(self.tl0_offset))
    }
}

fn is_video(id: u64, streams: &[Stream]) -> bool {
    streams.iter().find(|stream| stream.id == id).map_or(false, Stream::is_video)
}

fn ticks(span: u64, clock_rate: u64) -> u64 {
    (u128::from(span) * u128::from(clock_rate) / 1_000_000) as u64
}
