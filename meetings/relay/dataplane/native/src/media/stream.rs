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
    /// Of an undeclared SSRC, and there is no room to keep it.
    NoRoom,
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
            level: Level::SILENT.level,
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
        audible: impl FnOnce(Level) -> bool,
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
        self.octets += packet.len() as u64;
        self.heard = true;
        if arrival.repaired {
            self.repaired += 1;
        } else {
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
        audible: impl FnOnce(Level) -> bool,
    ) -> bool {
        if self.is_video() {
            return true;
        }
        let value = self.settings.level_extension.and_then(|id| header.extension(packet, id));
        let level = value.map_or(Level::SILENT, Level::parse);
        if value.is_some() {
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
            lost: self.reception.lost(),
            fraction_lost: self.reception.fraction_lost(),
            jitter: self.reception.jitter(),
            keyframes: self.keyframes,
            level: std::mem::replace(&mut self.level, Level::SILENT.level),
            level_at: self.level_at,
            sender_clock: self.reception.sender_clock,
            nacks_sent: self.nacks_sent,
            repaired: self.repaired,
            audible: self.audible,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::media::settings::{TrackId, TransportId};

    pub const OPUS: u8 = 111;
    pub const RED: u8 = 63;

    pub fn settings(codec: Codec) -> StreamSettings {
        let audio = codec == Codec::Opus;
        StreamSettings {
            transport: TransportId(1),
            ssrc: 7,
            track: TrackId(1),
            quality: 2,
            codec,
            payload_type: if audio { OPUS } else { 96 },
            red_payload_type: audio.then_some(RED),
            clock_rate: if audio { 48_000 } else { 90_000 },
            level_extension: audio.then_some(1),
            voices: 0,
        }
    }

    /// A packet with the audio level 30 under identifier 1.
    pub fn packet(payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x90, payload_type];
        packet.extend(sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        packet.extend([0xBE, 0xDE, 0, 1, 0x10, 30, 0, 0]);
        packet.extend(payload);
        packet
    }

    fn receive(stream: &mut Stream, packet: &[u8], muted: bool, audible: bool) -> Result<Media, Reason> {
        let header = Header::parse(packet).unwrap();
        stream.receive(&header, packet, Arrival { muted, repaired: false, now: 5 }, |_| audible)
    }

    fn number(stream: &mut Stream, packet: &[u8]) -> u64 {
        receive(stream, packet, false, true).unwrap().number - 0x10000
    }

    const KEYFRAME: &[u8] = &[0x90, 0xE0, 0x81, 2, 7, 0, 0, 1, 2];

    #[test]
    fn reads_keyframes_and_pictures_once() {
        let mut stream = Stream::new(1, settings(Codec::Vp8));
        let media = receive(&mut stream, &packet(96, 1, 0, 7, KEYFRAME), false, true).unwrap();
        assert!(media.keyframe && media.forward && media.primary.is_none());
        let picture = media.picture.unwrap();
        assert_eq!((picture.id, picture.tl0), (0x102, Some(7)));
        assert_eq!(stream.report().keyframes, 1);
    }

    #[test]
    fn keeps_video_and_not_audio() {
        let mut stream = Stream::new(1, settings(Codec::Vp8));
        let whole = packet(96, 1, 0, 7, KEYFRAME);
        let number = receive(&mut stream, &whole, false, true).unwrap().number;
        assert_eq!(stream.cache.get(number), Some(&whole[..]));
        let mut stream = Stream::new(1, settings(Codec::Opus));
        receive(&mut stream, &packet(OPUS, 1, 0, 7, b"sound"), false, true).unwrap();
        assert_eq!(stream.cache.size(), 0);
    }

    #[test]
    fn leaves_out_probes_other_payload_types_and_what_is_muted() {
        let mut stream = Stream::new(1, settings(Codec::Vp8));
        assert_eq!(number(&mut stream, &packet(96, 1, 0, 7, KEYFRAME)), 1);
        let mut probe = packet(96, 2, 0, 7, &[0, 0, 3]);
        probe[0] |= 0x20;
        assert_eq!(receive(&mut stream, &probe, false, true), Err(Reason::Padding));
        let other = packet(97, 3, 0, 7, KEYFRAME);
        assert_eq!(receive(&mut stream, &other, false, true), Err(Reason::PayloadType));
        let muted = packet(96, 4, 0, 7, KEYFRAME);
        assert_eq!(receive(&mut stream, &muted, true, true), Err(Reason::Muted));
        assert_eq!(receive(&mut stream, &muted, false, true), Err(Reason::Duplicate));
        assert_eq!(number(&mut stream, &packet(96, 5, 0, 7, KEYFRAME)), 2);
    }

    #[test]
    fn an_inaudible_packet_is_for_the_recorder_only_and_leaves_no_gap() {
        let mut stream = Stream::new(1, settings(Codec::Opus));
        assert_eq!(number(&mut stream, &packet(OPUS, 1, 0, 7, b"sound")), 1);
        let media = receive(&mut stream, &packet(OPUS, 2, 0, 7, b"sound"), false, false).unwrap();
        assert!(!media.forward && !stream.report().audible);
        receive(&mut stream, &packet(OPUS, 9, 0, 7, b"sound"), false, false).unwrap();
        assert_eq!(number(&mut stream, &packet(OPUS, 10, 0, 7, b"sound")), 2);
    }

    #[test]
    fn finds_the_primary_encoding_in_red() {
        let mut stream = Stream::new(1, settings(Codec::Opus));
        let red = packet(RED, 1, 0, 7, &[0x80 | OPUS, 0, 0, 2, OPUS, 8, 8, 9, 9]);
        let media = receive(&mut stream, &red, false, true).unwrap();
        assert_eq!(&red[media.primary.unwrap()], &[9, 9]);
        for (bad, reason) in [
            (&[0x80 | OPUS, 0, 3][..], Reason::Malformed),
            (&[112, 1], Reason::PayloadType),
            (&[OPUS], Reason::PayloadType),
        ] {
            assert_eq!(receive(&mut stream, &packet(RED, 2, 0, 7, bad), false, true).err(), Some(reason));
            stream.numbering = Numbering::default();
        }
    }

    #[test]
    fn the_loudest_level_of_an_interval_is_reported() {
        let mut stream = Stream::new(1, settings(Codec::Opus));
        for (sequence, level) in [(1, 40), (2, 0x80 | 25), (3, 60)] {
            let mut packet = packet(OPUS, sequence, 0, 7, b"sound");
            packet[17] = level;
            receive(&mut stream, &packet, false, true).unwrap();
        }
        assert_eq!(stream.report().level, 25);
        assert_eq!(stream.report().level, 127);
    }

    #[test]
    fn keyframes_are_asked_for_at_most_twice_a_second() {
        let mut stream = Stream::new(1, settings(Codec::Vp8));
        assert!(!stream.take_keyframe_request(0));
        let mut asked = 0;
        for now in (0..2_000_000).step_by(10_000) {
            stream.want_keyframe();
            asked += u32::from(stream.take_keyframe_request(now));
        }
        assert_eq!(asked, 4);
    }

    #[test]
    fn what_came_by_rtx_counts_as_repaired_and_not_as_received() {
        let mut stream = Stream::new(1, settings(Codec::Vp8));
        for (sequence, repaired) in [(1, false), (3, false), (2, true)] {
            let packet = packet(96, sequence, 0, 7, KEYFRAME);
            let header = Header::parse(&packet).unwrap();
            let arrival = Arrival { muted: false, repaired, now: 5 };
            stream.receive(&header, &packet, arrival, |_| true).unwrap();
        }
        let report = stream.report();
        assert_eq!((report.packets, report.repaired, report.lost), (3, 1, 1));
        let mut wanted = Vec::new();
        stream.nacks.due(1_000_000, &mut wanted);
        assert!(wanted.is_empty());
    }

    #[test]
    fn a_sender_that_begins_anew_is_asked_for_a_keyframe() {
        let mut stream = Stream::new(1, settings(Codec::Vp8));
        number(&mut stream, &packet(96, 30_000, 0, 7, KEYFRAME));
        assert!(receive(&mut stream, &packet(96, 100, 0, 7, KEYFRAME), false, true).is_err());
        number(&mut stream, &packet(96, 101, 0, 7, KEYFRAME));
        assert!(stream.take_keyframe_request(0));
    }
}
