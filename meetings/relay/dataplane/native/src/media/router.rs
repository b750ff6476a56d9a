//! Who publishes what to whom.
#![forbid(unsafe_code)]

use std::ops::Range;

use super::exit::{Arrivals, Exit};
use super::reports::{CongestionReport, StreamReport, SubscriptionReport, TransportReport};
use super::rtp::Header;
use super::settings::{StreamSettings, SubscriptionId, SubscriptionSettings, TrackId, TransportId};

/// A media packet of a declared stream, each one told of exactly once.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// As `receive` was told.
    pub place: usize,
    /// Where in that place's buffer the packet lies; a packet unwrapped from RTX does not begin at 0.
    pub range: Range<usize>,
    pub track: TrackId,
    pub ssrc: u32,
    pub header: Header,
    /// False where it is for the recorder only: louder voices are forwarded in its stead.
    pub forward: bool,
}

/// What became of a packet.
#[derive(Debug, Clone)]
pub enum Received {
    Accepted(Accepted),
    /// Of an SSRC that was not declared; kept until it is. The control side is to be told of it.
    Unknown(Header),
    Dropped(Reason),
}

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
    /// The transport is not open.
    NoTransport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    UnknownTransport,
    InUse,
    /// An SSRC may be used once per transport: a second use would repeat AES-GCM's nonces.
    SsrcUsed,
    TooMany,
}

/// What ended with a subscription: its SRTP streams can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub transport: TransportId,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
}

/// A packet that came before its SSRC was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stashed {
    pub at: u64,
    pub packet: Vec<u8>,
}

impl AsRef<[u8]> for Stashed {
    fn as_ref(&self) -> &[u8] {
        &self.packet
    }
}

/// What came of a compound RTCP packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// It holds more than the router's own business; the control side is to be given it.
    pub tell: bool,
    pub malformed: bool,
    pub congestion: Vec<CongestionReport>,
    pub retransmitted: u32,
    pub refused: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    pub transports: usize,
    pub streams: usize,
    pub tracks: usize,
    pub subscriptions: usize,
}

/// All state of the media; `voices` is how many of a group are forwarded at once.
pub struct Router {}

impl Router {
    pub fn new(_voices: usize) -> Self {
        Router {}
    }

    // Declared by the control side. Numbers that are not known are ignored.

    pub fn open(&mut self, _transport: TransportId) {}

    /// Its streams, repairs, subscriptions and stashed packets go with it.
    pub fn close(&mut self, _transport: TransportId) {}

    pub fn watch_congestion(&mut self, _transport: TransportId, _extension: u8) {}

    /// Afterwards `take_stashed` gives what came before; each goes through `receive` and `fan_out`.
    pub fn add_stream(&mut self, _settings: StreamSettings, _now: u64) -> Result<(), Refusal> {
        Ok(())
    }

    /// As for `add_stream`, `take_stashed(transport, rtx_ssrc)` follows.
    pub fn add_repair(
        &mut self,
        _transport: TransportId,
        _rtx_ssrc: u32,
        _ssrc: u32,
        _payload_type: u8,
    ) -> Result<(), Refusal> {
        Ok(())
    }

    pub fn take_stashed(&mut self, _transport: TransportId, _ssrc: u32) -> Vec<Stashed> {
        Vec::new()
    }

    /// True where it was there: its SRTP stream can be removed.
    pub fn remove_stream(&mut self, _transport: TransportId, _ssrc: u32) -> bool {
        false
    }

    pub fn mute(&mut self, _track: TrackId, _muted: bool, _now: u64) {}

    pub fn subscribe(&mut self, _settings: SubscriptionSettings) -> Result<(), Refusal> {
        Ok(())
    }

    /// The layer to forward from its next keyframe on; `None` pauses.
    pub fn steer(&mut self, _number: SubscriptionId, _ssrc: Option<u32>, _now: u64) {}

    pub fn unsubscribe(&mut self, _number: SubscriptionId) -> Option<Ended> {
        None
    }

    pub fn request_keyframe(&mut self, _transport: TransportId, _ssrc: u32, _now: u64) {}

    /// Repeats sent packets under RTX, at `bitrate` (bit/s) for `duration` (µs).
    pub fn probe(&mut self, _transport: TransportId, _bitrate: u64, _duration: u64, _now: u64) {}

    // The packet path

    /// Takes in an unprotected RTP packet; `place` is how the caller will find it again. What came by RTX is
    /// unwrapped where it lies.
    pub fn receive(
        &mut self,
        _transport: TransportId,
        _place: usize,
        _packet: &mut [u8],
        _now: u64,
    ) -> Received {
        Received::Dropped(Reason::NoTransport)
    }

    /// Writes a run of accepted packets, all of one track, for each subscription: subscriber by subscriber,
    /// so that consecutive packets have one address.
    pub fn fan_out<A: Arrivals + ?Sized>(
        &mut self,
        _run: &[Accepted],
        _arrivals: &A,
        _now: u64,
        _exit: &mut impl Exit,
    ) {
    }

    /// Takes in an unprotected compound; retransmissions that it asks for are written at once.
    pub fn receive_rtcp(
        &mut self,
        _transport: TransportId,
        _packet: &[u8],
        _now: u64,
        _exit: &mut impl Exit,
    ) -> Heard {
        Heard::default()
    }

    // By timer

    /// When `tick` has something to do; `None`: not before the next call of another method.
    pub fn next_due(&self) -> Option<u64> {
        None
    }

    /// Writes what is due: NACK, PLI, reports and feedback, as compounds of at most 1,200 bytes, and probes.
    pub fn tick(&mut self, _now: u64, _exit: &mut impl Exit) {}

    // Reports

    /// `each(transport, ssrc, report)` for every stream; starts a new interval for levels.
    pub fn stream_reports(&mut self, _each: impl FnMut(TransportId, u32, &StreamReport)) {}

    pub fn subscription_reports(&self, _each: impl FnMut(SubscriptionId, &SubscriptionReport)) {}

    pub fn transport_reports(&self, _each: impl FnMut(TransportId, &TransportReport)) {}

    pub fn sizes(&self) -> Sizes {
        Sizes::default()
    }
}
