//! What the media alone cost per forwarded packet, without sockets and keys:
//! `cargo run --release --offline --example media_cost`
#![forbid(unsafe_code)]

use std::time::Instant;

use visio_dataplane::media::{
    Codec, Exit, Kind, Received, Router, StreamSettings, SubscriptionId, SubscriptionSettings, TrackId,
    TransportId,
};

const RUNS: usize = 5;

struct Slots {
    slots: Vec<[u8; 1664]>,
    next: usize,
    packets: u64,
}

impl Exit for Slots {
    fn room(&mut self, _: TransportId) -> Option<&mut [u8]> {
        self.next = (self.next + 1) % self.slots.len();
        Some(&mut self.slots[self.next])
    }

    fn send(&mut self, _: TransportId, _: Kind, _: usize) {
        self.packets += 1;
    }
}

fn stream(publisher: u32, video: bool) -> StreamSettings {
    StreamSettings {
        transport: TransportId(publisher),
        ssrc: 1 + u32::from(video),
        track: TrackId(2 * publisher + u32::from(video)),
        quality: 2,
        codec: if video { Codec::Vp8 } else { Codec::Opus },
        payload_type: if video { 96 } else { 111 },
        red_payload_type: None,
        clock_rate: if video { 90_000 } else { 48_000 },
        level_extension: Some(1),
        voices: u32::from(!video),
    }
}

fn subscription(number: u32, transport: u32, stream: &StreamSettings) -> SubscriptionSettings {
    SubscriptionSettings {
        number: SubscriptionId(number),
        transport: TransportId(transport),
        track: stream.track,
        ssrc: 2 * number,
        payload_type: stream.payload_type,
        red_payload_type: None,
        clock_rate: stream.clock_rate,
        mid_extension: Some(4),
        mid: b"12".to_vec(),
        send_time_extension: Some(2),
        congestion_extension: Some(3),
        rtx: Some((2 * number + 1, 97)),
    }
}

/// Everybody subscribes to all others.
fn room(publishers: u32, people: u32) -> Router {
    let (mut router, mut number) = (Router::new(8), 0);
    (0..people).for_each(|person| router.open(TransportId(person)));
    for publisher in 0..publishers {
        router.watch_congestion(TransportId(publisher), 5);
        for video in [false, true] {
            let stream = stream(publisher, video);
            router.add_stream(stream.clone()).expect("fresh");
            for person in (0..people).filter(|person| *person != publisher) {
                number += 1;
                router.subscribe(subscription(number, person, &stream)).expect("fresh");
                router.steer(SubscriptionId(number), Some(stream.ssrc), 0);
            }
        }
    }
    router
}

/// With audio level and transport-wide number.
fn packet(stream: &StreamSettings, sequence: u16, number: u16, timestamp: u32, size: usize) -> Vec<u8> {
    let mut packet = vec![0x90, stream.payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(stream.ssrc.to_be_bytes());
    packet.extend([0xBE, 0xDE, 0, 2, 0x10, 30, 0x51]);
    packet.extend(number.to_be_bytes());
    packet.extend([0; 3]);
    packet.extend([0x90, 0xE0, 0x80, 0, 0, 0, u8::from(sequence % 300 != 0)]);
    packet.resize(24 + size, 1);
    packet
}

/// 720p at 1.5 Mbit/s is five packets of 1,200 bytes a frame, 30 times a second; Opus 50 times 100 bytes.
/// Packets, ns for each, bytes kept for each publisher.
fn run(publishers: u32, people: u32) -> (u64, f64, usize) {
    let mut router = room(publishers, people);
    let mut exit = Slots { slots: vec![[0; 1664]; 256], next: 0, packets: 0 };
    let (mut now, mut sent, mut spent) = (1_000_000u64, vec![[0u16; 3]; publishers as usize], 0.0);
    for frame in 0..300u64 {
        now += 33_333;
        for (publisher, counts) in sent.iter_mut().enumerate() {
            let mut bursts = vec![(true, 5), (false, 1)];
            bursts.extend((frame % 3 != 0).then_some((false, 1)));
            for (video, count) in bursts {
                let stream = stream(publisher as u32, video);
                let mut buffers = Vec::new();
                for _ in 0..count {
                    let kind = usize::from(video);
                    let timestamp = (frame * 3_000) as u32;
                    let size = if video { 1_200 } else { 100 };
                    buffers.push(packet(&stream, counts[kind], counts[2], timestamp, size));
                    counts[kind] = counts[kind].wrapping_add(1);
                    counts[2] = counts[2].wrapping_add(1);
                }
                let began = Instant::now();
                let mut accepted = Vec::new();
                for (place, buffer) in buffers.iter_mut().enumerate() {
                    if let Received::Accepted(one) = router.receive(stream.transport, place, buffer, now) {
                        accepted.push(one);
                    }
                }
                router.fan_out(&accepted, &buffers[..], now, &mut exit);
                spent += began.elapsed().as_secs_f64();
            }
        }
        let began = Instant::now();
        router.tick(now, &mut exit);
        spent += began.elapsed().as_secs_f64();
    }
    let kept = router.sizes().cached_octets / publishers as usize;
    (exit.packets, spent * 1e9 / exit.packets as f64, kept)
}

fn main() {
    for (publishers, people) in [(1, 41), (10, 10), (3, 100), (30, 100)] {
        // Of a few runs the one that was disturbed least.
        let (packets, cost, kept) =
            (0..RUNS).map(|_| run(publishers, people)).min_by(|a, b| a.1.total_cmp(&b.1)).expect("a run");
        println!(
            "{publishers:3} of {people:3} publish: {packets:8} packets, {cost:5.0} ns each; {} KB kept of each",
            kept / 1000
        );
    }
}
