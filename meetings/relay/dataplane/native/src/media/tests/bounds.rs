//! What hostile peers can make the router hold and do.
#![forbid(unsafe_code)]

use std::collections::HashSet;

use super::room::*;
use crate::media::testing::packet;
use crate::media::testing::Random;
use crate::media::*;

#[test]
fn floods_of_unknown_ssrcs_are_told_of_a_few_times_only() {
    let mut room = Room::new();
    let mut told = 0;
    for ssrc in 0..10_000u32 {
        room.now += 100;
        match room.video(ssrc, 1, 0, KEY) {
            Received::Unknown(_) => told += 1,
            Received::Stray(header) => assert_eq!(header.ssrc, ssrc),
            other => panic!("{other:?}"),
        }
    }
    assert!(told <= 16, "{told}");
    room.pass(3 * SECOND);
    assert!(matches!(room.video(77, 1, 0, KEY), Received::Unknown(_)), "room again after a while");
}

#[test]
fn a_publisher_holds_no_more_than_a_second_of_its_media() {
    let mut room = Room::with(Codec::Vp8);
    let payload = [KEY, &[0; 1100]].concat();
    for step in 0..2_000u32 {
        room.video(7, step as u16, step * 500, &payload); // 1.5 Mbit/s
        room.now += 6 * MS;
    }
    let cached = room.router.sizes().cached_octets;
    assert!((180_000..600_000).contains(&cached), "{cached}");
}

#[test]
fn no_number_goes_out_twice_whatever_comes_in() {
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let mut room = Room::with(Codec::Vp8);
        room.router.add_stream(StreamSettings { quality: 0, ..stream(Codec::Vp8, 8) }).unwrap();
        room.router.add_repair(PUBLISHER, 70, 7, 97).unwrap();
        let mut sent = HashSet::new();
        let mut sequences = [random.below(0x10000) as u16, random.below(0x10000) as u16];
        for step in 0..15_000u32 {
            let layer = random.below(2) as usize;
            let sequence = &mut sequences[layer];
            *sequence = match random.below(300) {
                0 => random.below(0x10000) as u16,
                1..=20 => sequence.wrapping_sub(random.below(60) as u16),
                21..=30 => sequence.wrapping_add(random.below(200) as u16),
                _ => sequence.wrapping_add(1),
            };
            let sequence = *sequence;
            let payload = if random.below(10) == 0 { KEY } else { DELTA };
            match random.below(20) {
                0 => {
                    let original = sequence.wrapping_sub(random.below(30) as u16).to_be_bytes();
                    room.take(&packet(97, step as u16, 0, 70, &[&original[..], payload].concat()));
                }
                1 => {
                    let mut probe = packet(96, sequence, 0, 7 + layer as u32, &[0, 0, 3]);
                    probe[0] |= 0x20;
                    room.take(&probe);
                }
                _ => drop(room.video(7 + layer as u32, sequence, step * 90, payload)),
            }
            match random.below(200) {
                0 => room.router.steer(SubscriptionId(1), Some(7 + random.below(2) as u32), room.now),
                1 => room.router.steer(SubscriptionId(1), None, room.now),
                2 => room.router.mute(TRACK, random.below(2) == 0, room.now),
                3 => {
                    let ssrc = 7 + random.below(2) as u32;
                    room.router.remove_stream(PUBLISHER, ssrc);
                    room.router.add_stream(stream(Codec::Vp8, ssrc)).unwrap();
                    room.router.add_repair(PUBLISHER, 70, 7, 97).unwrap();
                }
                _ => {}
            }
            room.pass(random.below(3) * MS);
            for got in room.got(2) {
                // An hour's numbers fit 32 bits: in one run none of 16 bits may come again within half a cycle.
                assert!(sent.insert((got.ssrc, got.sequence)), "{got:?} twice at {step} of {seed}");
                if sent.len() > 12_000 {
                    sent.clear();
                }
            }
        }
    }
}

#[test]
fn any_bytes_are_survived() {
    let mut random = Random::new(11);
    let mut room = Room::with(Codec::Vp8);
    room.router.add_repair(PUBLISHER, 70, 7, 97).unwrap();
    room.router.watch_congestion(PUBLISHER, 5);
    for step in 0..40_000 {
        let size = random.below(80) as usize;
        let mut bytes = random.bytes(size);
        if size > 11 {
            bytes[0] = 0x80 | bytes[0] & 0x3F;
            bytes[1] = if random.below(2) == 0 { 96 } else { 97 };
            let ssrc = [7u32, 8, 70][random.below(3) as usize];
            bytes[8..12].copy_from_slice(&ssrc.to_be_bytes());
        }
        room.take(&bytes);
        if size > 3 {
            bytes[1] = 200 + bytes[1] % 8;
            bytes[2] = 0;
            bytes[3] %= 12;
        }
        room.rtcp(1 + step % 2, &bytes);
        room.pass(random.below(2) * MS);
        room.exit.packets.clear();
    }
}
