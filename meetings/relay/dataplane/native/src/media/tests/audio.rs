#![forbid(unsafe_code)]

use super::room::*;
use crate::media::testing::{packet, OPUS, RED};
use crate::media::*;

/// One Opus track for each SSRC 1 to `count`, all of one group of which two are forwarded.
fn voices(count: u32) -> Room {
    let mut room = Room::new();
    for ssrc in 1..=count {
        let settings = StreamSettings { track: TrackId(ssrc), voices: 1, ..stream(Codec::Opus, ssrc) };
        room.router.add_stream(settings).unwrap();
        room.subscribe(subscription(ssrc, 2, ssrc), ssrc);
    }
    room
}

fn say(room: &mut Room, ssrc: u32, sequence: u16, level: u8) -> Received {
    let mut packet = packet(OPUS, sequence, u32::from(sequence) * 960, ssrc, b"sound");
    packet[17] = level;
    room.take(&packet)
}

#[test]
fn sound_begins_with_any_packet() {
    let mut room = Room::with(Codec::Opus);
    room.take(&packet(OPUS, 1, 0, 7, b"sound"));
    assert_eq!(room.got(2)[0].payload, b"sound");
}

#[test]
fn only_the_loudest_are_forwarded_and_nobodys_first_packet_is_lost() {
    let mut room = voices(5);
    for step in 0..100 {
        for ssrc in 1..=5 {
            say(&mut room, ssrc, step, if ssrc <= 2 { 30 } else { 100 });
        }
        room.pass(20 * MS);
    }
    let got = room.got(2);
    assert_eq!(got.len(), 200);
    assert!(got.iter().all(|got| got.ssrc <= 1002));
    // 1 and 2 stop; 5 begins a second later.
    for step in 100..150 {
        (1..=5).for_each(|ssrc| _ = say(&mut room, ssrc, step, 100));
        room.pass(20 * MS);
    }
    room.got(2);
    say(&mut room, 5, 150, 30);
    let got = room.got(2);
    assert_eq!((got.len(), got[0].ssrc), (1, 1005));
}

#[test]
fn who_is_heard_again_goes_on_without_a_gap_in_numbers() {
    let mut room = voices(3);
    let mut sequence = 0;
    let mut heard = Vec::new();
    for round in 0..6 {
        for _ in 0..40 {
            sequence += 1;
            for ssrc in 1..=3 {
                say(&mut room, ssrc, sequence, if (ssrc + round) % 3 == 0 { 100 } else { 30 });
            }
            room.pass(20 * MS);
        }
        heard.extend(room.got(2).into_iter().filter(|got| got.ssrc == 1003));
    }
    assert!(heard.len() > 100 && heard.len() < 220, "{}", heard.len());
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
    }
}

#[test]
fn the_recorder_hears_those_who_are_not_forwarded() {
    let mut room = voices(5);
    (0..10).for_each(|step| (1..=2).for_each(|ssrc| _ = say(&mut room, ssrc, step, 30)));
    match say(&mut room, 5, 1, 100) {
        Received::Accepted(accepted) => assert!(!accepted.is_forwarded()),
        other => panic!("{other:?}"),
    }
    let mut audible = Vec::new();
    room.router.stream_reports(|_, ssrc, report| audible.push((ssrc, report.audible)));
    assert!(audible.contains(&(5, false)) && audible.contains(&(1, true)));
}

#[test]
fn sound_outside_groups_is_always_forwarded() {
    let mut room = voices(5);
    room.router.add_stream(StreamSettings { track: TrackId(9), ..stream(Codec::Opus, 9) }).unwrap();
    room.subscribe(subscription(9, 2, 9), 9);
    (0..10).for_each(|step| (1..=2).for_each(|ssrc| _ = say(&mut room, ssrc, step, 30)));
    room.got(2);
    say(&mut room, 9, 1, 127);
    assert_eq!(room.got(2).len(), 1);
}

#[test]
fn red_is_forwarded_whole_or_as_its_primary_encoding() {
    let mut room = Room::new();
    room.router.add_stream(stream(Codec::Opus, 7)).unwrap();
    room.subscribe(SubscriptionSettings { red_payload_type: Some(60), ..subscription(1, 2, 1) }, 7);
    room.subscribe(subscription(2, 3, 1), 7);
    let payload = [0x80 | OPUS, 0, 0, 2, OPUS, 8, 8, 9, 9];
    room.take(&packet(RED, 1, 0, 7, &payload));
    room.take(&packet(OPUS, 2, 960, 7, b"plain"));
    let (whole, primary) = (room.got(2), room.got(3));
    let renumbered = [0x80 | 100, 0, 0, 2, 100, 8, 8, 9, 9];
    assert_eq!((whole[0].payload_type, &whole[0].payload[..]), (60, &renumbered[..]));
    assert_eq!((primary[0].payload_type, &primary[0].payload[..]), (100, &[9, 9][..]));
    for got in [&whole[1], &primary[1]] {
        assert_eq!((got.payload_type, &got.payload[..]), (100, &b"plain"[..]));
    }
}
