//! What the tests share.
#![forbid(unsafe_code)]

use super::exit::{Exit, Kind};
use super::settings::{Codec, StreamSettings, TrackId, TransportId};

/// A small generator of the same numbers each time (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// 0 to `bound` - 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// Keeps what is sent.
#[derive(Default)]
pub struct Sent {
    pub packets: Vec<(TransportId, Kind, Vec<u8>)>,
    room: Vec<u8>,
}

impl Exit for Sent {
    fn room(&mut self, _: TransportId) -> Option<&mut [u8]> {
        self.room.resize(1600, 0);
        Some(&mut self.room)
    }

    fn send(&mut self, transport: TransportId, kind: Kind, length: usize) {
        self.packets.push((transport, kind, self.room[..length].to_vec()));
    }
}

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
