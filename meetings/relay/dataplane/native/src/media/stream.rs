//! One received SSRC: how its packets are numbered, kept, reported on and asked for again.
#![forbid(unsafe_code)]

use std::ops::Range;

use super::cache::PacketCache;
use super::codecs::{is_keyframe_start, Picture};
use super::nack::Nacks;
use super::reception::Reception;
use super::red;
use super::reports::{SenderClock, StreamReport};
use super::rtp::Header;
use super::sequence::{Misplaced, Numbering};
use super::settings::{Codec, StreamSettings};
use super::speakers::Level;
use super::timers::Due;

/// A keyframe costs ten deltas: asking again sooner than one can arrive only multiplies it (µs).
pub(super) const PLI_INTERVAL: u64 = 500_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Malformed,
    /// A bandwidth probe: padding and nothing else.
    Padding,
    Duplicate,
    TooLate,
    Muted,
    /// Neither the stream's payload type nor its RED's.
    PayloadType,
    /// It repairs a stream that is not there.
    NoStream,
    /// The transport is not open.
    NoTransport,
}

impl From<Misplaced> for Reason {
    fn from(misplaced: Misplaced) -> Reason {
        match misplaced {
            Misplaced::Duplicate => Reason::Duplicate,
            Misplaced::TooLate => Reason::TooLate,
        }
    }
}

/// What was read off an accepted packet, once for all subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Media {
    /// Without gaps; for a packet that is not forwarded it says nothing.
    pub number: u64,
    pub forward: bool,
    pub keyframe: bool,
    pub picture: Option<Picture>,
    /// The packet is RED: where the primary encoding lies in it.
    pub primary: Option<Range<usize>>,
}

/// How a packet came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub muted: bool,
    /// By RTX.
    pub repaired: bool,
    pub now: u64,
}

pub(super) struct Stream {
    /// Never used again, other than the SSRC.
    pub id: u64,
    pub settings: StreamSettings,
    pub cache: PacketCache,
    pub reception: Reception,
    pub nacks: Nacks,
    /// When NACK and PLI are looked at.
    pub repair: Due,
    /// Something came since the last receiver report.
    pub heard: bool,
    pub nacks_sent: u64,
    numbering: Numbering,
    keyframe_wanted: bool,
    asked_at: Option<u64>,
    packets: u64,
    octets: u64,
    media_at: Option<u64>,
    keyframes: u64,
    level: u8,
    level_at: Option<u64>,
    repaired: u64,
    audible: bool,
}

impl Stream {
    pub fn new(id: u64, settings: StreamSettings) -> Self {
        Stream {
            id,
            cache: PacketCache::default(),
            reception: Reception::new(settings.clock_rate),
            nacks: Nacks::default(),
            repair: Due::default(),
            heard: false,
            nacks_sent: 0,
            numbering: Numbering::default(),
            keyframe_wanted: false,
            asked_at: None,
            packets: 0,
            octets: 0,
            media_at: None,
            keyframes: 0,
            level: Level::SILENCE,
            level_at: None,
            repaired: 0,
            audible: true,
            settings,
        }
    }

    pub fn is_video(&self) -> bool {
        self.settings.codec.is_video()
    }

    /// Accounts for a packet of this SSRC; `audible` says whether one of this level is to be forwarded.
    pub fn receive(
        &mut self,
        header: &Header,
        packet: &[u8],
        arrival: Arrival,
        audible: impl FnOnce(Option<Level>) -> bool,
    ) -> Result<Media, Reason> {
        self.count(header, packet, arrival);
        if arrival.muted {
            // A muted track is silent whatever its publisher's client does.
            self.numbering.leave_out_span(header.sequence)?;
            return Err(Reason::Muted);
        }
        let primary = match self.primary(header, packet) {
            Ok(primary) => primary,
            Err(reason) => {
                self.numbering.leave_out(header.sequence)?;
                return Err(reason);
            }
        };
        if !self.hear(header, packet, arrival.now, audible) {
            self.numbering.leave_out_span(header.sequence)?;
            self.media_at = Some(arrival.now);
            return Ok(Media { number: 0, forward: false, keyframe: false, picture: None, primary });
        }
        self.place(header, packet, arrival.now, primary)
    }

    fn count(&mut self, header: &Header, packet: &[u8], arrival: Arrival) {
        self.packets += 1;
        self.heard = true;
        if arrival.repaired {
            // Most are a publisher's probes, which repeat what arrived: not its bitrate.
            self.repaired += 1;
        } else {
            self.octets += packet.len() as u64;
            self.reception.add(header.sequence, header.timestamp, arrival.now);
        }
        if self.is_video() {
            self.nacks.add(header.sequence, arrival.now);
        }
    }

    /// Checks the payload; for RED where its primary encoding lies.
    fn primary(&self, header: &Header, packet: &[u8]) -> Result<Option<Range<usize>>, Reason> {
        if header.is_padding_only() {
            return Err(Reason::Padding);
        }
        if header.payload_type == self.settings.payload_type {
            return Ok(None);
        }
        if Some(header.payload_type) != self.settings.red_payload_type {
            return Err(Reason::PayloadType);
        }
        let start = header.payload.start;
        match red::primary(&packet[header.payload.clone()]) {
            Some((kind, range)) if kind == self.settings.payload_type && !range.is_empty() => {
                Ok(Some(start + range.start..start + range.end))
            }
            Some(_) => Err(Reason::PayloadType),
            None => Err(Reason::Malformed),
        }
    }

    fn hear(
        &mut self,
        header: &Header,
        packet: &[u8],
        now: u64,
        audible: impl FnOnce(Option<Level>) -> bool,
    ) -> bool {
        if self.is_video() {
            return true;
        }
        let value = self.settings.level_extension.and_then(|id| header.extension(packet, id));
        let level = value.and_then(Level::parse);
        if let Some(level) = level {
            self.level = self.level.min(level.level);
            self.level_at = Some(now);
        }
        self.audible = audible(level);
        self.audible
    }

    fn place(
        &mut self,
        header: &Header,
        packet: &[u8],
        now: u64,
        primary: Option<Range<usize>>,
    ) -> Result<Media, Reason> {
        let placed = self.numbering.place(header.sequence)?;
        self.media_at = Some(now);
        if placed.restarted {
            self.nacks = Nacks::default();
            self.keyframe_wanted = self.is_video();
        }
        let keyframe = is_keyframe_start(self.settings.codec, &packet[header.payload.clone()]);
        self.keyframes += u64::from(keyframe);
        if self.is_video() {
            self.cache.insert(placed.number, packet, now);
        }
        Ok(Media { keyframe, primary, ..self.kept(header, packet, placed.number) })
    }

    /// What was read off a packet that is in the cache.
    pub fn kept(&self, header: &Header, packet: &[u8], number: u64) -> Media {
        let picture = match self.settings.codec {
            Codec::Vp8 => Picture::parse(&packet[header.payload.clone()]),
            _ => None,
        };
        Media { number, forward: true, keyframe: false, picture, primary: None }
    }

    /// Whether there may be something to ask the publisher for.
    pub fn has_repairs(&self) -> bool {
        self.keyframe_wanted || self.nacks.is_wanting()
    }

    pub fn want_keyframe(&mut self) {
        self.keyframe_wanted = self.is_video();
    }

    /// The stream is muted: what is wanted is wanted again when it comes back.
    pub fn forget_keyframe(&mut self) {
        self.nacks.take_keyframe_need();
        self.keyframe_wanted = false;
    }

    /// When `take_keyframe_request` may say yes.
    pub fn keyframe_due(&mut self, now: u64) -> Option<u64> {
        self.keyframe_wanted |= self.nacks.take_keyframe_need();
        let due = self.asked_at.map_or(now, |asked| now.max(asked + PLI_INTERVAL));
        self.keyframe_wanted.then_some(due)
    }

    /// True at most once per `PLI_INTERVAL` while a keyframe is wanted; the caller then asks for one.
    pub fn take_keyframe_request(&mut self, now: u64) -> bool {
        if self.keyframe_due(now).map_or(true, |due| due > now) {
            return false;
        }
        self.keyframe_wanted = false;
        self.asked_at = Some(now);
        true
    }

    pub fn sender_report(&mut self, ntp: u64, rtp_timestamp: u32, now: u64) {
        self.reception.sender_clock = Some(SenderClock { ntp, rtp_timestamp, at: now });
    }

    /// Starts a new interval for the level.
    pub fn report(&mut self) -> StreamReport {
        StreamReport {
            packets: self.packets,
            octets: self.octets,
            media_at: self.media_at,
            lost: self.reception.lost().max(0),
            fraction_lost: self.reception.fraction_lost(),
            jitter: self.reception.jitter(),
            keyframes: self.keyframes,
            level: std::mem::replace(&mut self.level, Level::SILENCE),
            level_at: self.level_at,
            sender_clock: self.reception.sender_clock,
            nacks_sent: self.nacks_sent,
            repaired: self.repaired,
            audible: self.audible,
        }
    }
}
