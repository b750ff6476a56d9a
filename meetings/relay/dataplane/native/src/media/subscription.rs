//! What one subscriber gets of one track: its packets under one SSRC, across layer switches.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::ops::Range;

use super::codecs::Picture;
use super::congestion::Outgoing;
use super::path::Accepted;
use super::red;
use super::reports::SubscriptionReport;
use super::rtp::Header;
use super::settings::SubscriptionSettings;
use super::stream::{Media, Stream};
use super::template::{Fields, Template, TooLong};
use super::timers::Due;

/// Two packets earn one retransmission: more would fill a path that is too narrow with what it has lost.
pub(super) const REPEAT_COST: u16 = 2;
const MAX_CREDIT: u16 = 96;
/// A second has few switches; what was sent before these is not sent again.
const SEGMENTS: usize = 8;

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

/// From `out` on, packets of `stream` from `number` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub stream: u64,
    pub number: u64,
    pub out: u64,
    pub timestamp_offset: u32,
    pub picture_offset: u16,
    pub tl0_offset: u8,
}

/// What the last packet said, for the next stream to go on from.
#[derive(Default)]
pub(super) struct Last {
    pub timestamp: u32,
    pub at: u64,
    pub picture: Option<u16>,
    pub tl0: u8,
}

pub(super) struct Subscription {
    pub settings: SubscriptionSettings,
    /// When the next sender report is due.
    pub report: Due,
    /// Something was sent since the last sender report.
    pub active: bool,
    pub nacked: u64,
    pub retransmitted: u64,
    pub(super) template: Template,
    target: Option<u32>,
    /// The stream forwarded now: its number and SSRC.
    current: Option<(u64, u32)>,
    pub(super) segments: VecDeque<Segment>,
    pub(super) next: u64,
    pub(super) last: Last,
    pub(super) packets: u64,
    pub(super) octets: u64,
    switches: u64,
    pub(super) credit: u16,
    pub(super) rtx_sequence: u16,
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
            credit: REPEAT_COST - 1,
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
    pub fn takes(&self, accepted: &Accepted) -> bool {
        let follows = || self.current.map_or(false, |(stream, _)| stream == accepted.stream);
        accepted.media.forward && (self.target == Some(accepted.ssrc) || follows())
    }

    pub fn can_probe(&self) -> bool {
        self.settings.rtx.is_some()
    }

    /// Writes the packet as this subscriber is to receive it, with so many bytes of padding.
    pub fn forward(
        &mut self,
        packet: &Packet,
        streams: &[Stream],
        congestion: &mut Outgoing,
        now: u64,
        padding: u8,
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
                let length = append_padding(out, length, padding);
                self.count(length, congestion, now);
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

    /// `rtx`: under that SSRC and type, as RFC 4588 wants it, the original number before the payload.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn write(
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

    pub(super) fn count(&self, length: usize, congestion: &mut Outgoing, now: u64) {
        if self.template.has_number() {
            congestion.record(length, now);
        }
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

/// Appends padding (RFC 3550 section 5.1) where there is room for it; the packet's length.
fn append_padding(out: &mut [u8], length: usize, padding: u8) -> usize {
    let end = length + usize::from(padding);
    match out.get_mut(length..end) {
        Some(room) if padding > 0 => {
            room.fill(0);
            out[end - 1] = padding;
            out[0] |= 0x20;
            end
        }
        _ => length,
    }
}

fn is_video(id: u64, streams: &[Stream]) -> bool {
    streams.iter().find(|stream| stream.id == id).map_or(false, Stream::is_video)
}
