//! The way of a packet: taken in once, written for each subscription.
#![forbid(unsafe_code)]

use std::ops::Range;

use super::router::{schedule_repair, Router};
use super::rtp::Header;
use super::settings::{TrackId, TransportId};
use super::stash::KEPT_FOR;
use super::stream::{self, Media, Reason};
use super::subscription::Packet;
use super::timers::{common_time, report_time, Task};
use super::transport::Repair;

/// Receiver reports go out this often (µs).
pub(super) const REPORT_INTERVAL: u64 = 1_000_000;
/// libwebrtc's own interval for transport-wide feedback lies between 50 and 100 ms (µs).
pub(super) const FEEDBACK_INTERVAL: u64 = 50_000;

/// A media packet of a declared stream, each one told of exactly once.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// As `receive` was told.
    pub place: usize,
    /// Where in that place's buffer the packet lies; one unwrapped from RTX does not begin at 0.
    pub range: Range<usize>,
    pub track: TrackId,
    pub ssrc: u32,
    pub header: Header,
    pub(super) stream: u64,
    pub(super) media: Media,
}

impl Accepted {
    /// False where it is for the recorder only: louder voices are forwarded in its stead.
    pub fn is_forwarded(&self) -> bool {
        self.media.forward
    }

    pub fn is_keyframe_start(&self) -> bool {
        self.media.keyframe
    }

    pub(super) fn packet<'a>(&'a self, bytes: &'a [u8]) -> Packet<'a> {
        Packet { stream: self.stream, ssrc: self.ssrc, header: &self.header, media: &self.media, bytes }
    }
}

/// What became of a packet.
#[derive(Debug, Clone)]
pub enum Received {
    Accepted(Accepted),
    /// Of an SSRC that was not declared; kept until it is. The control side is to be told of it.
    Unknown(Header),
    /// Of an SSRC that was not declared, and there is no room to keep it.
    Stray(Header),
    Dropped(Reason),
}

impl Router {
    /// Takes in an unprotected RTP packet; `place` is how the caller will find it again. What came by RTX is
    /// unwrapped where it lies.
    pub fn receive(&mut self, transport: TransportId, place: usize, packet: &mut [u8], now: u64) -> Received {
        let header = match Header::parse(packet) {
            Ok(header) => header,
            Err(_) => return Received::Dropped(Reason::Malformed),
        };
        match self.count_arrival(transport, &header, packet, now) {
            Found::Stream(track) => self.accept(transport, track, place, (header, 0), packet, now, false),
            Found::Repair(repair) => self.receive_repair(transport, repair, place, &header, packet, now),
            Found::Kept => Received::Unknown(header),
            Found::NoRoom => Received::Stray(header),
            Found::NoTransport => Received::Dropped(Reason::NoTransport),
        }
    }

    fn count_arrival(&mut self, number: TransportId, header: &Header, packet: &[u8], now: u64) -> Found {
        let transport = match self.transports.get_mut(&number) {
            Some(transport) => transport,
            None => return Found::NoTransport,
        };
        transport.report.received_packets += 1;
        transport.report.received_octets += packet.len() as u64;
        if let Some((id, arrivals)) = &mut transport.arrivals {
            if let Some([high, low]) = header.extension(packet, *id) {
                arrivals.add(u16::from_be_bytes([*high, *low]), header.ssrc, now);
                let due = common_time(now + FEEDBACK_INTERVAL);
                if !transport.feedback.is_scheduled() {
                    self.timers.schedule(&mut transport.feedback, due, Task::Feedback(number));
                }
            }
        }
        let mut round = REPORT_INTERVAL;
        let found = if let Some(track) = transport.streams.get(&header.ssrc) {
            Found::Stream(*track)
        } else if let Some(repair) = transport.repairs.get(&header.ssrc) {
            Found::Repair(*repair)
        } else if transport.stash.keep(header.ssrc, packet, now) {
            round = KEPT_FOR;
            Found::Kept
        } else {
            return Found::NoRoom;
        };
        if !transport.reception.is_scheduled() {
            let due = report_time(now + round, number);
            self.timers.schedule(&mut transport.reception, due, Task::Reception(number));
        }
        found
    }

    /// RFC 4588 section 4: the original's number before its payload, the rest as it was.
    fn receive_repair(
        &mut self,
        transport: TransportId,
        repair: Repair,
        place: usize,
        header: &Header,
        packet: &mut [u8],
        now: u64,
    ) -> Received {
        let start = header.payload.start;
        if header.payload.len() <= 2 {
            return Received::Dropped(Reason::Padding);
        }
        if header.payload_type != repair.payload_type {
            return Received::Dropped(Reason::PayloadType);
        }
        let track = self.transports.get(&transport).and_then(|of| of.streams.get(&repair.ssrc)).copied();
        let stream = track.and_then(|track| {
            self.tracks.get(&track)?.streams.iter().find(|s| s.settings.ssrc == repair.ssrc)
        });
        let (track, payload_type) = match (track, stream) {
            (Some(track), Some(stream)) => (track, stream.settings.payload_type),
            _ => return Received::Dropped(Reason::NoStream),
        };
        let original = [packet[start], packet[start + 1]];
        packet.copy_within(..start, 2);
        let packet = &mut packet[2..];
        packet[1] = packet[1] & 0x80 | payload_type;
        packet[2..4].copy_from_slice(&original);
        packet[8..12].copy_from_slice(&repair.ssrc.to_be_bytes());
        match Header::parse(packet) {
            Ok(header) => self.accept(transport, track, place, (header, 2), packet, now, true),
            Err(_) => Received::Dropped(Reason::Malformed),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn accept(
        &mut self,
        transport: TransportId,
        number: TrackId,
        place: usize,
        (header, start): (Header, usize),
        packet: &[u8],
        now: u64,
        repaired: bool,
    ) -> Received {
        let track = match self.tracks.get_mut(&number) {
            Some(track) => track,
            None => return Received::Dropped(Reason::NoStream),
        };
        let arrival = stream::Arrival { muted: track.muted, repaired, now };
        let mut streams = track.streams.iter_mut();
        let meant = |stream: &&mut stream::Stream| {
            stream.settings.ssrc == header.ssrc && stream.settings.transport == transport
        };
        let stream = match streams.find(meant) {
            Some(stream) => stream,
            None => return Received::Dropped(Reason::NoStream),
        };
        let (speakers, voices) = (&mut self.speakers, stream.settings.voices);
        let audible = |level| voices == 0 || speakers.hear(voices, number, level, now);
        let received = stream.receive(&header, packet, arrival, audible);
        if stream.has_repairs() {
            schedule_repair(&mut self.timers, stream, number, now);
        }
        match received {
            Ok(media) => Received::Accepted(Accepted {
                place,
                range: start..start + packet.len(),
                track: number,
                ssrc: header.ssrc,
                header,
                stream: stream.id,
                media,
            }),
            Err(reason) => Received::Dropped(reason),
        }
    }
}

/// Whose packet it is.
enum Found {
    Stream(TrackId),
    Repair(Repair),
    Kept,
    NoRoom,
    NoTransport,
}
