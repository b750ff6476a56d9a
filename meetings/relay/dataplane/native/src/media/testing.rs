//! What the tests share.
#![forbid(unsafe_code)]

use super::exit::{Exit, Kind};
use super::settings::TransportId;

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
