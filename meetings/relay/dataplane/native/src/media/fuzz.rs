//! Arbitrary bytes as packets, RTCP, commands and passing time, for a coverage-guided fuzzer.
#![forbid(unsafe_code)]

use super::numbers::ByNumber;
use super::rtcp::messages;
use super::sequence::{extend, first};
use super::{
    Codec, Exit, Header, Kind, Received, Router, StreamSettings, SubscriptionId, SubscriptionSettings,
    TrackId, TransportId,
};

const ROOM: usize = 1600;
const TRANSPORTS: u32 = 4;
const MEMORY: usize = 16 * 1024 * 1024;

/// Promises more than not to panic: no number is sent twice under one SSRC of a transport, all that is sent
/// can be read, compounds have a datagram's size, and nothing outlives the transports.
pub fn fuzz_one(data: &[u8]) {
    let mut session = Session::new(data);
    while session.step().is_some() {}
    session.end();
}

#[derive(Default)]
struct Watch {
    room: Vec<u8>,
    /// By SSRC, which no two subscriptions share: the highest number, and all.
    sent: ByNumber<u32, (u64, ByNumber<u32, ()>)>,
    last: ByNumber<TransportId, u16>,
}

impl Exit for Watch {
    fn room(&mut self, _: TransportId) -> Option<&mut [u8]> {
        self.room.resize(ROOM, 0);
        Some(&mut self.room)
    }

    fn send(&mut self, transport: TransportId, kind: Kind, length: usize) {
        let packet = &self.room[..length];
        if kind == Kind::Rtcp {
            assert!(length <= 1500, "a compound of {length} bytes");
            assert!(messages(packet).all(|message| message.is_ok()), "RTCP that nobody can read");
            return;
        }
        let header = Header::parse(packet).expect("RTP that can be read");
        let of_ssrc = self.sent.entry(header.ssrc);
        let (highest, numbers) = of_ssrc.or_insert_with(|| (first(header.sequence), ByNumber::default()));
        let number = extend(*highest, header.sequence);
        assert!(numbers.insert(number as u32, ()).is_none(), "{number} twice under {}", header.ssrc);
        *highest = number.max(*highest);
        if header.ssrc < 2000 {
            self.last.insert(transport, header.sequence);
        }
    }
}

struct Session<'a> {
    rest: &'a [u8],
    router: Router,
    exit: Watch,
    now: u64,
    sequences: [u16; 8],
    subscribed: u32,
}

impl<'a> Session<'a> {
    /// Two layers of VP8 and a voice from transport 1, a voice and H.264 from transport 2, which 3 and 4 get.
    fn new(rest: &'a [u8]) -> Self {
        let mut router = Router::new(1);
        (1..=TRANSPORTS).for_each(|number| router.open(TransportId(number)));
        router.watch_congestion(TransportId(1), 5);
        let exit = Watch::default();
        let mut session =
            Session { rest, router, exit, now: 1_000_000, sequences: [65_000; 8], subscribed: 0 };
        (0..5).for_each(|index| session.add_stream(index));
        for (transport, stream) in [(3, 0), (3, 2), (4, 0), (4, 3), (4, 4)] {
            session.subscribe(transport, stream);
        }
        session
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let count = usize::from(self.byte()?).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some(taken.to_vec())
    }

    fn transport(&mut self) -> Option<TransportId> {
        Some(TransportId(1 + u32::from(self.byte()?) % TRANSPORTS))
    }

    fn step(&mut self) -> Option<()> {
        match self.byte()? % 16 {
            0..=4 => self.media()?,
            5 => self.repair()?,
            6 => {
                let (transport, bytes) = (self.transport()?, self.bytes()?);
                self.receive(transport, bytes);
            }
            7 | 8 => {
                let (transport, bytes) = (self.transport()?, self.bytes()?);
                self.router.receive_rtcp(transport, &bytes, self.now, &mut self.exit);
            }
            9 => self.nack()?,
            10 | 11 => {
                self.now += u64::from(self.byte()?) * 2_000;
                self.router.tick(self.now, &mut self.exit);
            }
            12 => {
                let number = SubscriptionId(u32::from(self.byte()?) % (self.subscribed + 1));
                let ssrc = self.byte()?;
                self.router.steer(number, (ssrc < 200).then_some(7 + u32::from(ssrc % 5)), self.now);
            }
            13 => {
                let byte = self.byte()?;
                self.router.mute(TrackId(u32::from(byte % 4)), byte & 0x80 != 0, self.now);
            }
            14 => self.publish()?,
            _ => self.connect()?,
        }
        Some(())
    }

    /// A well-formed packet of a stream, its number near the one before.
    fn media(&mut self) -> Option<()> {
        let (index, step, flags) = (usize::from(self.byte()? % 6), self.byte()?, self.byte()?);
        let payload = self.bytes()?;
        let settings = settings(index);
        let sequence = self.next_sequence(index, step);
        let payload_type = match flags & 3 {
            3 => settings.red_payload_type.unwrap_or(settings.payload_type),
            _ => settings.payload_type,
        };
        let packet = self.packet(payload_type, sequence, settings.ssrc, flags, &payload);
        self.receive(settings.transport, packet);
        Some(())
    }

    fn next_sequence(&mut self, index: usize, step: u8) -> u16 {
        let last = self.sequences[index];
        let next = match step {
            0..=199 => last.wrapping_add(1),
            200..=239 => last.wrapping_sub(u16::from(step) - 200),
            240..=253 => last.wrapping_add(u16::from(step) - 238),
            _ => last.wrapping_add(u16::from(step) * 97),
        };
        self.sequences[index] = next;
        next
    }

    /// Audio level under 1, transport-wide number under 5.
    fn packet(&self, payload_type: u8, sequence: u16, ssrc: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x90 | flags & 0x20, payload_type | flags & 0x80];
        packet.extend(sequence.to_be_bytes());
        packet.extend(((self.now / 11) as u32).to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        packet.extend([0xBE, 0xDE, 0, 2, 0x10, 20 + (flags & 0x7C), 0x51]);
        packet.extend(sequence.to_be_bytes());
        packet.extend([0, 0, 0]);
        packet.extend(payload);
        packet
    }

    fn repair(&mut self) -> Option<()> {
        let (back, flags, payload) = (self.byte()?, self.byte()?, self.bytes()?);
        let original = self.sequences[0].wrapping_sub(u16::from(back)).to_be_bytes();
        let sequence = self.next_sequence(7, 0);
        let payload = [&original[..], &payload].concat();
        let packet = self.packet(97, sequence, 70, flags, &payload);
        self.receive(TransportId(1), packet);
        Some(())
    }

    fn nack(&mut self) -> Option<()> {
        let (transport, number, back) = (self.transport()?, u16::from(self.byte()?), self.byte()?);
        let last = self.exit.last.get(&transport).copied().unwrap_or(0);
        let mut packet = vec![0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0];
        packet.extend((1000 + number % 16).to_be_bytes());
        packet.extend(last.wrapping_sub(u16::from(back)).to_be_bytes());
        packet.extend([back, number as u8]);
        self.router.receive_rtcp(transport, &packet, self.now, &mut self.exit);
        Some(())
    }

    fn receive(&mut self, transport: TransportId, mut packet: Vec<u8>) {
        let received = self.router.receive(transport, 0, &mut packet, self.now);
        if let Received::Accepted(accepted) = received {
            assert!(accepted.range.end <= packet.len() && accepted.header.ssrc == accepted.ssrc);
            self.router.fan_out(&[accepted], &[packet][..], self.now, &mut self.exit);
        }
    }

    fn publish(&mut self) -> Option<()> {
        let byte = self.byte()?;
        let index = usize::from(byte % 6);
        let StreamSettings { transport, ssrc, .. } = settings(index);
        match byte / 64 {
            0 => drop(self.router.remove_stream(transport, ssrc)),
            1 => self.router.request_keyframe(transport, ssrc, self.now),
            _ => self.add_stream(index),
        }
        Some(())
    }

    fn add_stream(&mut self, index: usize) {
        let StreamSettings { transport, ssrc, .. } = settings(index);
        let _ = self.router.add_stream(settings(index));
        let _ = self.router.add_repair(TransportId(1), 70, 7, 97);
        for stashed in self.router.take_stashed(transport, ssrc) {
            self.receive(transport, stashed.packet);
        }
    }

    fn connect(&mut self) -> Option<()> {
        let (transport, byte) = (self.transport()?, self.byte()?);
        match byte / 32 {
            0 => self.router.close(transport),
            1 => self.router.open(transport),
            2 | 3 => drop(self.router.unsubscribe(SubscriptionId(u32::from(byte) % (self.subscribed + 1)))),
            4 | 5 => self.router.probe(transport, u64::from(byte) * 4_000, u64::from(byte) * 1_000, self.now),
            _ => self.subscribe(transport.0, usize::from(byte % 6)),
        }
        Some(())
    }

    /// The control side draws SSRCs at random, so that none comes again.
    fn subscribe(&mut self, transport: u32, index: usize) {
        self.subscribed += 1;
        let (number, stream) = (self.subscribed, settings(index));
        let odd = number % 2 == 1;
        let settings = SubscriptionSettings {
            number: SubscriptionId(number),
            transport: TransportId(transport),
            track: stream.track,
            ssrc: 1000 + number,
            payload_type: 100,
            red_payload_type: odd.then_some(60),
            clock_rate: stream.clock_rate,
            mid_extension: odd.then_some(4),
            mid: vec![b'm'; number as usize % 20],
            send_time_extension: Some(2),
            congestion_extension: odd.then_some(3),
            rtx: (number % 5 != 0).then_some((2000 + number, 101)),
        };
        let _ = self.router.subscribe(settings);
        self.router.steer(SubscriptionId(number), Some(stream.ssrc), self.now);
    }

    fn end(mut self) {
        self.router.tick(self.now + 60_000_000, &mut self.exit);
        self.router.stream_reports(|_, _, report| assert!(report.jitter >= 0.0));
        let sizes = self.router.sizes();
        assert!(sizes.cached_octets < MEMORY && sizes.streams <= 6, "{sizes:?}");
        (1..=TRANSPORTS).for_each(|number| self.router.close(TransportId(number)));
        let sizes = self.router.sizes();
        assert_eq!((sizes.transports, sizes.streams, sizes.subscriptions), (0, 0, 0));
        self.router.tick(u64::MAX / 2, &mut self.exit);
        assert_eq!(self.router.next_due(), None);
    }
}

fn settings(index: usize) -> StreamSettings {
    let (transport, track, codec) = match index {
        0 | 1 => (1, 1, Codec::Vp8),
        2 => (1, 2, Codec::Opus),
        3 => (2, 3, Codec::Opus),
        4 => (2, 4, Codec::H264),
        _ => (2, 5, Codec::Vp9),
    };
    let audio = codec == Codec::Opus;
    StreamSettings {
        transport: TransportId(transport),
        ssrc: 7 + index as u32,
        track: TrackId(track),
        quality: 0,
        codec,
        payload_type: if audio { 111 } else { 96 },
        red_payload_type: audio.then_some(63),
        clock_rate: if audio { 48_000 } else { 90_000 },
        level_extension: audio.then_some(1),
        voices: u32::from(audio),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::Random;

    fn from_hexadecimal(line: &str) -> Vec<u8> {
        let digits = |at| u8::from_str_radix(&line[at..at + 2], 16).expect("two digits");
        (0..line.len()).step_by(2).map(digits).collect()
    }

    #[test]
    fn what_fuzzing_found_is_survived() {
        let inputs = include_str!("../../fuzz/inputs.txt");
        inputs.lines().for_each(|line| fuzz_one(&from_hexadecimal(line)));
    }

    #[test]
    fn random_sessions_are_survived() {
        let mut random = Random::new(12);
        for _ in 0..3_000 {
            let size = random.below(600) as usize;
            fuzz_one(&random.bytes(size));
        }
    }
}
