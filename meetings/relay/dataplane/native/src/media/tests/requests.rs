#![forbid(unsafe_code)]

use super::room::*;
use crate::media::rtcp::{lost, messages, write_picture_loss, Message};
use crate::media::*;

fn picture_loss(ssrc: u32) -> Vec<u8> {
    let mut out = Vec::new();
    write_picture_loss(&mut out, ssrc);
    out
}

fn asked_again(room: &mut Room) -> Vec<u16> {
    let compounds = room.got_rtcp(1);
    let all = compounds.iter().flat_map(|compound| messages(compound).map(Result::unwrap));
    all.flat_map(|message| match message {
        Message::Nack { ssrc: 7, items } => lost(items).collect::<Vec<_>>(),
        _ => vec![],
    })
    .collect()
}

#[test]
fn a_publisher_is_asked_for_what_was_lost() {
    let mut room = Room::with(Codec::Vp8);
    room.video(7, 10, 0, KEY);
    room.video(7, 13, 0, DELTA);
    room.pass(20 * MS);
    assert_eq!(asked_again(&mut room), vec![11, 12]);
    room.video(7, 12, 0, DELTA);
    room.pass(2 * SECOND);
    assert_eq!(asked_again(&mut room), vec![11; 7], "eight times in all");
}

#[test]
fn sound_is_not_asked_for_again() {
    let mut room = Room::with(Codec::Opus);
    for sequence in [10, 13] {
        room.take(&crate::media::testing::packet(111, sequence, 0, 7, b"sound"));
    }
    room.pass(SECOND);
    assert_eq!(asked_again(&mut room), vec![]);
}

#[test]
fn subscribers_requests_for_keyframes_are_passed_on_once_in_half_a_second() {
    let mut room = Room::with(Codec::Vp8);
    room.subscribe(subscription(2, 3, 1), 7);
    room.video(7, 1, 0, KEY);
    room.pass(SECOND);
    room.keyframes_asked(7);
    for _ in 0..100 {
        for (transport, ssrc) in [(2, 1001), (3, 1002)] {
            assert!(!room.rtcp(transport, &picture_loss(ssrc)).tell);
        }
        room.pass(10 * MS);
    }
    assert_eq!(room.keyframes_asked(7), 2);
    let fir = [0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0xE9, 3, 0, 0, 0];
    room.pass(SECOND);
    room.keyframes_asked(7);
    room.rtcp(2, &fir);
    room.pass(10 * MS);
    assert_eq!(room.keyframes_asked(7), 1);
}

#[test]
fn while_a_subscriber_waits_a_keyframe_is_asked_for_again_and_again() {
    let mut room = Room::with(Codec::Vp8);
    room.pass(1_900 * MS);
    assert_eq!(room.keyframes_asked(7), 4);
    room.video(7, 1, 0, KEY);
    room.pass(600 * MS);
    room.keyframes_asked(7);
    room.pass(5 * SECOND);
    assert_eq!(room.keyframes_asked(7), 0);
}

#[test]
fn the_control_side_may_ask_too() {
    let mut room = Room::new();
    room.router.add_stream(stream(Codec::Vp8, 7)).unwrap();
    for _ in 0..10 {
        room.router.request_keyframe(PUBLISHER, 7, room.now);
    }
    room.router.request_keyframe(PUBLISHER, 99, room.now);
    room.pass(SECOND);
    assert_eq!(room.keyframes_asked(7), 1);
}

#[test]
fn two_subscribers_may_wait_for_different_layers() {
    let mut room = Room::with(Codec::Vp8);
    room.router.add_stream(StreamSettings { quality: 0, ..stream(Codec::Vp8, 8) }).unwrap();
    room.subscribe(subscription(2, 3, 1), 8);
    room.pass(SECOND);
    let compounds = room.got_rtcp(1);
    let all: Vec<_> = compounds.iter().flat_map(|compound| messages(compound).map(Result::unwrap)).collect();
    for ssrc in [7, 8] {
        assert!(all.contains(&Message::PictureLoss { ssrc }), "{ssrc}");
    }
}

#[test]
fn a_muted_publisher_is_not_asked_for_keyframes() {
    let mut room = Room::with(Codec::Vp8);
    room.router.mute(TRACK, true, room.now);
    room.pass(SECOND);
    room.rtcp(2, &picture_loss(1001));
    room.pass(SECOND);
    assert_eq!(room.keyframes_asked(7), 0);
    room.router.mute(TRACK, false, room.now);
    room.pass(10 * MS);
    assert_eq!(room.keyframes_asked(7), 1);
}
