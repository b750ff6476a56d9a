#![forbid(unsafe_code)]

use super::room::*;
use crate::media::testing::packet;
use crate::media::*;

#[test]
fn a_packet_goes_to_each_subscriber_with_its_own_head_and_the_same_payload() {
    let mut room = Room::with(Codec::Vp8);
    room.subscribe(SubscriptionSettings { payload_type: 120, ..subscription(2, 3, 1) }, 7);
    room.video(7, 500, 9_000, KEY);
    let (first, second) = (room.got(2), room.got(3));
    assert_eq!((first[0].ssrc, first[0].payload_type), (1001, 100));
    assert_eq!((second[0].ssrc, second[0].payload_type), (1002, 120));
    assert_eq!((first[0].timestamp, &first[0].payload[..]), (9_000, KEY));
    assert_eq!(second[0].payload, KEY);
}

#[test]
fn nothing_is_forwarded_before_steer_nor_after_a_pause() {
    let mut room = Room::new();
    room.router.add_stream(stream(Codec::Vp8, 7)).unwrap();
    room.router.subscribe(subscription(1, 2, 1)).unwrap();
    room.video(7, 1, 0, KEY);
    assert_eq!(room.got(2), vec![]);
    room.router.steer(SubscriptionId(1), Some(7), room.now);
    room.video(7, 2, 0, KEY);
    room.router.steer(SubscriptionId(1), None, room.now);
    room.video(7, 3, 0, KEY);
    assert_eq!(room.got(2).len(), 1);
}

#[test]
fn video_begins_with_a_keyframe_and_numbers_have_no_gap() {
    let mut room = Room::with(Codec::Vp8);
    room.video(7, 10, 0, DELTA);
    assert_eq!(room.got(2), vec![]);
    room.video(7, 11, 0, KEY);
    let mut probe = packet(96, 12, 0, 7, &[0, 0, 3]);
    probe[0] |= 0x20;
    assert!(matches!(room.take(&probe), Received::Dropped(Reason::Padding)));
    room.video(7, 13, 0, DELTA);
    let got = room.got(2);
    assert_eq!(got[1].sequence, got[0].sequence.wrapping_add(1));
    assert!(got[0].sequence < 0x8000, "room before the first wrap");
}

#[test]
fn a_run_goes_subscriber_by_subscriber() {
    let mut room = Room::with(Codec::Vp8);
    room.subscribe(subscription(2, 3, 1), 7);
    let mut buffers: Vec<_> = (0..3).map(|step| packet(96, step, 0, 7, KEY)).collect();
    let mut run = Vec::new();
    for (place, buffer) in buffers.iter_mut().enumerate() {
        if let Received::Accepted(accepted) = room.router.receive(PUBLISHER, place, buffer, room.now) {
            run.push(accepted);
        }
    }
    room.router.fan_out(&run, &buffers[..], room.now, &mut room.exit);
    let order: Vec<_> = room.exit.packets.iter().map(|(to, _, _)| to.0).collect();
    assert_eq!(order, vec![2, 2, 2, 3, 3, 3]);
}

#[test]
fn late_packets_go_on_under_their_own_numbers_and_duplicates_do_not() {
    let mut room = Room::with(Codec::Vp8);
    for sequence in [10, 12, 11, 11, 9] {
        room.video(7, sequence, 0, KEY);
    }
    let got = room.got(2);
    let first = got[0].sequence;
    let steps: Vec<_> = got.iter().map(|got| got.sequence.wrapping_sub(first)).collect();
    assert_eq!(steps, vec![0, 2, 1], "9 came before the subscription began");
}

#[test]
fn a_muted_track_is_silent_and_asks_for_a_keyframe_when_it_comes_back() {
    let mut room = Room::with(Codec::Vp8);
    room.video(7, 1, 0, KEY);
    room.pass(SECOND);
    room.keyframes_asked(7);
    room.router.mute(TRACK, true, room.now);
    assert!(matches!(room.video(7, 2, 0, KEY), Received::Dropped(Reason::Muted)));
    room.router.mute(TRACK, false, room.now);
    room.video(7, 3, 0, KEY);
    let got = room.got(2);
    assert_eq!(got[1].sequence, got[0].sequence.wrapping_add(1));
    room.pass(10 * MS);
    assert_eq!(room.keyframes_asked(7), 1);
}

#[test]
fn a_track_muted_before_its_first_packet_is_silent_too() {
    let mut room = Room::new();
    room.router.mute(TRACK, true, room.now);
    room.router.add_stream(stream(Codec::Vp8, 7)).unwrap();
    assert!(matches!(room.video(7, 1, 0, KEY), Received::Dropped(Reason::Muted)));
}

#[test]
fn what_came_before_the_stream_was_declared_is_not_lost() {
    let mut room = Room::new();
    for sequence in 1..=3 {
        assert!(matches!(room.video(7, sequence, 0, KEY), Received::Unknown(header) if header.ssrc == 7));
    }
    room.router.add_stream(stream(Codec::Vp8, 7)).unwrap();
    room.subscribe(subscription(1, 2, 1), 7);
    let stashed = room.router.take_stashed(PUBLISHER, 7);
    for stashed in &stashed {
        room.take(&stashed.packet);
    }
    assert_eq!(room.got(2).len(), 3);
    assert_eq!(room.router.take_stashed(PUBLISHER, 7), vec![]);
}

#[test]
fn transport_wide_numbers_count_over_all_subscriptions_of_a_transport() {
    let mut room = Room::with(Codec::Vp8);
    room.router.add_stream(StreamSettings { track: TrackId(2), ..stream(Codec::Vp8, 8) }).unwrap();
    room.subscribe(subscription(2, 2, 2), 8);
    for (ssrc, sequence) in [(7, 1), (8, 1), (7, 2), (8, 2)] {
        room.video(ssrc, sequence, 0, KEY);
    }
    let numbers: Vec<_> = room
        .exit
        .packets
        .iter()
        .map(|(_, _, packet)| Header::parse(packet).unwrap().extension(packet, 3).unwrap().to_vec())
        .collect();
    assert_eq!(numbers, vec![vec![0, 0], vec![0, 1], vec![0, 2], vec![0, 3]]);
}

#[test]
fn parts_of_a_picture_that_differ_by_a_byte_leave_alike_and_mean_the_same() {
    let mut room = Room::with(Codec::Vp8);
    let sizes = [50, 50, 51, 20, 90];
    let mut buffers: Vec<_> = (0u16..5)
        .map(|step| {
            let mut payload = KEY.to_vec();
            payload.resize(sizes[usize::from(step)], 7);
            packet(96, step, u32::from(step / 4) * 3000, 7, &payload)
        })
        .collect();
    let mut run = Vec::new();
    for (place, buffer) in buffers.iter_mut().enumerate() {
        if let Received::Accepted(accepted) = room.router.receive(PUBLISHER, place, buffer, room.now) {
            run.push(accepted);
        }
    }
    room.router.fan_out(&run, &buffers[..], room.now, &mut room.exit);
    let lengths: Vec<_> = room.exit.packets.iter().map(|(_, _, packet)| packet.len()).collect();
    assert_eq!((lengths[0], lengths[1]), (lengths[2], lengths[2]));
    assert!(lengths[3] < lengths[2] && lengths[4] > lengths[2], "what differs more stays as it is");
    let payloads: Vec<_> = room.got(2).iter().map(|packet| packet.payload.len()).collect();
    assert_eq!(payloads, sizes);
}
