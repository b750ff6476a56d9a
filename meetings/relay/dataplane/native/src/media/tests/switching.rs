#![forbid(unsafe_code)]

use super::room::*;
use crate::media::rtcp::{write_sender_report, SenderReport};
use crate::media::*;

/// Layers 7 (large) and 8 (small) of one track, forwarded to transport 2.
fn simulcast() -> Room {
    let mut room = Room::with(Codec::Vp8);
    room.router.add_stream(StreamSettings { quality: 0, ..stream(Codec::Vp8, 8) }).unwrap();
    room
}

fn vp8(key: bool, id: u16, tl0: u8) -> Vec<u8> {
    let id = (0x8000 | id).to_be_bytes();
    vec![0x90, 0xE0, id[0], id[1], tl0, 0, u8::from(!key), 1, 2]
}

fn picture(got: &Got) -> (u16, u8) {
    (u16::from_be_bytes([got.payload[2], got.payload[3]]) & 0x7FFF, got.payload[4])
}

fn clock(room: &mut Room, ssrc: u32, ntp_ms: u64, rtp_timestamp: u32) {
    let ntp = (100u64 << 32) + (ntp_ms << 32) / 1000;
    let mut out = Vec::new();
    let report = SenderReport { ssrc, ntp, rtp_timestamp, packet_count: 0, octet_count: 0 };
    write_sender_report(&mut out, &report);
    assert!(room.rtcp(1, &out).tell);
}

#[test]
fn the_old_layer_goes_on_until_the_new_ones_keyframe() {
    let mut room = simulcast();
    room.video(7, 100, 1000, &vp8(true, 10, 3));
    room.router.steer(SubscriptionId(1), Some(8), room.now);
    room.video(8, 5000, 77_000, &vp8(false, 600, 90));
    room.video(7, 101, 4000, &vp8(false, 11, 4));
    room.video(8, 5001, 80_000, &vp8(true, 601, 91));
    room.video(7, 102, 7000, &vp8(false, 12, 5));
    room.video(8, 5002, 83_000, &vp8(false, 602, 92));
    let got = room.got(2);
    assert_eq!(got.iter().map(picture).collect::<Vec<_>>(), vec![(10, 3), (11, 4), (12, 5), (13, 6)]);
    for pair in got.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
    }
    let mut switches = 0;
    room.router.subscription_reports(|_, report| switches = report.switches);
    assert_eq!(switches, 1);
}

#[test]
fn the_new_layers_keyframe_is_asked_for() {
    let mut room = simulcast();
    room.video(7, 100, 0, &vp8(true, 10, 3));
    room.router.steer(SubscriptionId(1), Some(8), room.now);
    room.pass(10 * MS);
    assert_eq!(room.keyframes_asked(8), 1);
}

#[test]
fn timestamps_go_on_by_both_layers_sender_reports() {
    let mut room = simulcast();
    room.video(7, 100, 90_000, &vp8(true, 10, 3));
    // 7 shows 90,000 where 8 shows 1,000,000; the next picture was taken 100 ms later.
    clock(&mut room, 7, 0, 90_000);
    clock(&mut room, 8, 1000, 1_090_000);
    room.router.steer(SubscriptionId(1), Some(8), room.now);
    room.now += 130 * MS;
    room.video(8, 5000, 1_009_000, &vp8(true, 600, 90));
    let got = room.got(2);
    assert_eq!(got[1].timestamp.wrapping_sub(got[0].timestamp), 9_000);
}

#[test]
fn timestamps_go_on_by_the_time_passed_where_clocks_are_unknown_or_absurd() {
    for absurd in [false, true] {
        let mut room = simulcast();
        room.video(7, 100, 90_000, &vp8(true, 10, 3));
        if absurd {
            clock(&mut room, 7, 0, 90_000);
            clock(&mut room, 8, 3_600_000, 5);
        }
        room.router.steer(SubscriptionId(1), Some(8), room.now);
        room.now += 100 * MS;
        room.video(8, 5000, 1_009_000, &vp8(true, 600, 90));
        let got = room.got(2);
        assert_eq!(got[1].timestamp.wrapping_sub(got[0].timestamp), 9_000);
    }
}

#[test]
fn a_pause_ends_with_a_keyframe_and_nothing_leaps() {
    let mut room = simulcast();
    room.video(7, 100, 90_000, &vp8(true, 10, 3));
    room.router.steer(SubscriptionId(1), None, room.now);
    for step in 1..=50 {
        room.now += 33 * MS;
        room.video(7, 100 + step, 90_000 + u32::from(step) * 3_000, &vp8(false, 10 + step, 4));
    }
    room.router.steer(SubscriptionId(1), Some(7), room.now);
    room.video(7, 151, 243_000, &vp8(false, 61, 4));
    room.video(7, 152, 246_000, &vp8(true, 62, 5));
    let got = room.got(2);
    assert_eq!(got.len(), 2);
    assert_eq!(got[1].sequence, got[0].sequence.wrapping_add(1));
    assert_eq!(got[1].timestamp - got[0].timestamp, 156_000, "the same clock goes on");
    assert_eq!(picture(&got[1]), (11, 4));
}

#[test]
fn a_stream_that_ends_and_comes_again_under_its_ssrc_repeats_no_number() {
    let mut room = Room::with(Codec::Vp8);
    room.video(7, 100, 0, &vp8(true, 10, 3));
    room.video(7, 101, 0, &vp8(false, 11, 3));
    assert!(room.router.remove_stream(PUBLISHER, 7));
    room.router.subscription_reports(|_, report| assert_eq!(report.current_ssrc, None));
    room.router.add_stream(stream(Codec::Vp8, 7)).unwrap();
    room.router.subscription_reports(|_, report| assert!(report.waiting_keyframe));
    room.video(7, 100, 0, &vp8(true, 10, 3));
    let got = room.got(2);
    assert_eq!(got[2].sequence, got[1].sequence.wrapping_add(1));
}

#[test]
fn a_late_packet_of_the_time_before_a_switch_is_not_sent() {
    let mut room = simulcast();
    room.video(7, 100, 0, &vp8(true, 10, 3));
    room.video(7, 102, 0, &vp8(false, 11, 3));
    room.router.steer(SubscriptionId(1), Some(8), room.now);
    room.video(8, 5000, 0, &vp8(true, 600, 90));
    room.video(7, 101, 0, &vp8(false, 10, 3));
    room.video(8, 4999, 0, &vp8(false, 599, 90));
    assert_eq!(room.got(2).len(), 3);
}

#[test]
fn a_subscriber_at_the_other_layer_is_not_disturbed() {
    let mut room = simulcast();
    room.subscribe(subscription(2, 3, 1), 8);
    room.video(7, 100, 0, &vp8(true, 10, 3));
    room.video(8, 5000, 0, &vp8(true, 600, 90));
    assert_eq!((room.got(2).len(), room.got(3).len()), (1, 1));
}
