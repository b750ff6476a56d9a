//! A publisher, subscribers, and what they are sent.
#![forbid(unsafe_code)]

use crate::media::rtcp::{messages, Message};
use crate::media::testing::packet;
use crate::media::testing::Sent;
use crate::media::*;

pub const PUBLISHER: TransportId = TransportId(1);
pub const TRACK: TrackId = TrackId(1);
pub const MS: u64 = 1_000;
pub const SECOND: u64 = 1_000_000;
pub const KEY: &[u8] = &[0x90, 0xE0, 0x80, 0, 0, 0, 0, 1, 2];
pub const DELTA: &[u8] = &[0x90, 0xE0, 0x80, 0, 0, 0, 1, 1, 2];

/// What a subscriber was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub ssrc: u32,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub payload: Vec<u8>,
}

pub struct Room {
    pub router: Router,
    pub exit: Sent,
    pub now: u64,
}

pub fn stream(codec: Codec, ssrc: u32) -> StreamSettings {
    StreamSettings { ssrc, ..crate::media::testing::settings(codec) }
}

pub fn subscription(number: u32, transport: u32, track: u32) -> SubscriptionSettings {
    SubscriptionSettings {
        number: SubscriptionId(number),
        transport: TransportId(transport),
        track: TrackId(track),
        ssrc: 1000 + number,
        payload_type: 100,
        red_payload_type: None,
        clock_rate: 90_000,
        mid_extension: Some(4),
        mid: b"0".to_vec(),
        send_time_extension: Some(2),
        congestion_extension: Some(3),
        rtx: Some((2000 + number, 101)),
    }
}

impl Room {
    /// Transports 1 to 3; time begins at one second.
    pub fn new() -> Self {
        let mut router = Router::new(2);
        (1..=3).for_each(|number| router.open(TransportId(number)));
        Room { router, exit: Sent::default(), now: SECOND }
    }

    /// SSRC 7 of the publisher, forwarded to transport 2 as subscription 1.
    pub fn with(codec: Codec) -> Self {
        let mut room = Room::new();
        room.router.add_stream(stream(codec, 7)).unwrap();
        room.subscribe(subscription(1, 2, 1), 7);
        room
    }

    pub fn subscribe(&mut self, settings: SubscriptionSettings, ssrc: u32) {
        let number = settings.number;
        self.router.subscribe(settings).unwrap();
        self.router.steer(number, Some(ssrc), self.now);
    }

    /// The publisher sends; what is accepted is fanned out.
    pub fn take(&mut self, bytes: &[u8]) -> Received {
        let mut buffers = [bytes.to_vec()];
        let received = self.router.receive(PUBLISHER, 0, &mut buffers[0], self.now);
        if let Received::Accepted(accepted) = &received {
            self.router.fan_out(std::slice::from_ref(accepted), &buffers[..], self.now, &mut self.exit);
        }
        received
    }

    pub fn video(&mut self, ssrc: u32, sequence: u16, timestamp: u32, payload: &[u8]) -> Received {
        self.take(&packet(96, sequence, timestamp, ssrc, payload))
    }

    pub fn rtcp(&mut self, transport: u32, compound: &[u8]) -> Heard {
        self.router.receive_rtcp(TransportId(transport), compound, self.now, &mut self.exit)
    }

    /// Lets time pass, and the timer with it.
    pub fn pass(&mut self, span: u64) {
        let until = self.now + span;
        while self.now < until {
            self.now = until.min(self.now + 10 * MS);
            self.router.tick(self.now, &mut self.exit);
        }
    }

    /// Media sent to a transport since the last call.
    pub fn got(&mut self, transport: u32) -> Vec<Got> {
        let packets = self.drain(transport, Kind::Rtp);
        packets.iter().map(|packet| read(packet)).collect()
    }

    pub fn got_rtcp(&mut self, transport: u32) -> Vec<Vec<u8>> {
        self.drain(transport, Kind::Rtcp)
    }

    fn drain(&mut self, transport: u32, kind: Kind) -> Vec<Vec<u8>> {
        let meant = |sent: &(TransportId, Kind, Vec<u8>)| sent.0 == TransportId(transport) && sent.1 == kind;
        let (taken, rest) = std::mem::take(&mut self.exit.packets).into_iter().partition(meant);
        self.exit.packets = rest;
        let taken: Vec<(TransportId, Kind, Vec<u8>)> = taken;
        taken.into_iter().map(|(_, _, packet)| packet).collect()
    }

    /// How often the publisher was asked for a keyframe of this SSRC since the last call.
    pub fn keyframes_asked(&mut self, ssrc: u32) -> usize {
        let compounds = self.got_rtcp(1);
        let all = compounds.iter().flat_map(|compound| messages(compound));
        all.filter(|message| *message == Ok(Message::PictureLoss { ssrc })).count()
    }
}

pub fn read(packet: &[u8]) -> Got {
    let header = Header::parse(packet).unwrap();
    Got {
        ssrc: header.ssrc,
        payload_type: header.payload_type,
        sequence: header.sequence,
        timestamp: header.timestamp,
        payload: packet[header.payload].to_vec(),
    }
}
