#![forbid(unsafe_code)]

use super::room::*;
use crate::media::feedback::Feedback;
use crate::media::rtcp::{messages, write_sender_report, Message, SenderReport};
use crate::media::testing::packet;
use crate::media::*;

fn sender_report(ssrc: u32, ntp: u64, rtp_timestamp: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let report = SenderReport { ssrc, ntp, rtp_timestamp, packet_count: 0, octet_count: 0 };
    write_sender_report(&mut out, &report);
    out
}

#[test]
fn subscribers_hear_the_publishers_clock_soon_and_then_every_second() {
    let mut room = Room::with(Codec::Vp8);
    let ntp = 100u64 << 32;
    assert!(room.rtcp(1, &sender_report(7, ntp, 90_000)).tell);
    room.video(7, 1, 90_000, KEY);
    room.pass(200 * MS);
    let first = room.got_rtcp(2).concat();
    match messages(&first).next() {
        Some(Ok(Message::SenderReport { ssrc: 1001, ntp: found, rtp_timestamp })) => {
            let passed = ((found - ntp) * 1_000) >> 32;
            assert!((99..=200).contains(&passed), "carried forward by the {passed} ms that passed");
            assert_eq!(u64::from(rtp_timestamp), 90_000 + (passed + 1) * 90);
        }
        other => panic!("{other:?}"),
    }
    for sequence in 0..300 {
        room.video(7, sequence, 90_000, DELTA);
        room.pass(10 * MS);
    }
    assert_eq!(room.got_rtcp(2).len(), 3);
    room.pass(3 * SECOND);
    assert_eq!(room.got_rtcp(2).len(), 1, "then nothing is said of nothing");
}

#[test]
fn reports_to_one_subscriber_share_a_compound() {
    let mut room = Room::with(Codec::Vp8);
    for (index, ssrc) in (20..30).enumerate() {
        let track = TrackId(ssrc);
        room.router.add_stream(StreamSettings { track, ..stream(Codec::Vp8, ssrc) }).unwrap();
        room.subscribe(subscription(ssrc, 2, ssrc), ssrc);
        room.rtcp(1, &sender_report(ssrc, 1 << 40, 0));
        room.video(ssrc, 1, 0, KEY);
        room.pass(index as u64 * MS);
    }
    room.pass(200 * MS);
    let compounds = room.got_rtcp(2);
    assert_eq!(compounds.concat().len(), 10 * 28);
    assert!(compounds.len() <= 2, "{}", compounds.len());
}

#[test]
fn a_report_says_what_was_sent() {
    let mut room = Room::with(Codec::Vp8);
    room.rtcp(1, &sender_report(7, 1 << 40, 0));
    room.video(7, 1, 0, KEY);
    room.video(7, 2, 0, KEY);
    room.pass(200 * MS);
    let report = room.got_rtcp(2).concat();
    assert_eq!(report[20..28], [0, 0, 0, 2, 0, 0, 0, 2 * KEY.len() as u8]);
}

#[test]
fn without_a_publishers_clock_there_is_no_report_until_it_comes() {
    let mut room = Room::with(Codec::Vp8);
    room.video(7, 1, 0, KEY);
    room.pass(SECOND);
    assert!(room.got_rtcp(2).is_empty());
    room.rtcp(1, &sender_report(7, 1 << 40, 0));
    room.pass(200 * MS);
    assert_eq!(room.got_rtcp(2).len(), 1);
}

#[test]
fn publishers_are_told_every_second_how_their_packets_arrive() {
    let mut room = Room::with(Codec::Opus);
    for sequence in [1, 2, 4] {
        room.take(&packet(111, sequence, 0, 7, b"sound"));
    }
    room.pass(1_100 * MS);
    let report = room.got_rtcp(1).concat();
    assert_eq!(report[..12], [0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 7]);
    assert_eq!(report[12..16], [64, 0, 0, 1], "a quarter, one packet");
    room.pass(5 * SECOND);
    assert!(room.got_rtcp(1).is_empty(), "nothing came since");
}

#[test]
fn more_streams_than_one_report_can_hold_get_several() {
    let mut room = Room::new();
    for ssrc in 0..70 {
        room.router.add_stream(StreamSettings { track: TrackId(ssrc), ..stream(Codec::Opus, ssrc) }).unwrap();
        room.take(&packet(111, 1, 0, ssrc, b"sound"));
    }
    room.pass(1_100 * MS);
    let compounds = room.got_rtcp(1);
    assert!(compounds.iter().all(|compound| compound.len() <= 1200));
    let mut blocks = 0;
    for mut rest in compounds.iter().map(|compound| &compound[..]) {
        while !rest.is_empty() {
            let count = usize::from(rest[0] & 31);
            blocks += count;
            rest = &rest[8 + 24 * count..];
        }
    }
    assert_eq!(blocks, 70);
}

fn numbered(sequence: u16, number: u16) -> Vec<u8> {
    let mut packet = packet(111, sequence, 0, 7, b"sound");
    packet[16] = 0x51; // identifier 5, two bytes
    packet[17..19].copy_from_slice(&number.to_be_bytes());
    packet
}

#[test]
fn publishers_get_transport_wide_feedback_every_50_ms_while_something_comes() {
    let mut room = Room::with(Codec::Opus);
    room.router.watch_congestion(PUBLISHER, 5);
    for step in 0..10 {
        room.take(&numbered(step, 100 + step));
        room.pass(20 * MS);
    }
    room.pass(100 * MS);
    let compounds = room.got_rtcp(1);
    assert!((4..=5).contains(&compounds.len()), "{}", compounds.len());
    let mut told = Vec::new();
    for compound in &compounds {
        if let Some(Ok(Message::Feedback(body))) = messages(compound).next() {
            told.extend(Feedback::parse(body).unwrap().packets());
        }
    }
    let expected: Vec<_> =
        (0..10).map(|step| (100 + step, Some((SECOND + u64::from(step) * 20 * MS) as i64))).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_subscribers_feedback_is_digested_and_not_passed_on() {
    let mut room = Room::with(Codec::Vp8);
    for sequence in 0..4 {
        room.video(7, sequence, 0, KEY);
        room.now += 10 * MS;
    }
    let mut out = Vec::new();
    let deltas = [Some(0), Some(10_000), None, Some(25_000)];
    feedback::write(&mut out, 1001, 0, 0, 16, &deltas);
    let heard = room.rtcp(2, &out);
    assert!(!heard.tell && !heard.malformed);
    let report = &heard.congestion[0];
    assert_eq!((report.at, report.received, report.lost), (room.now, 3, 1));
    assert_eq!((report.sent_span_us, report.arrival_span_us), (30_000, 35_000));
}

#[test]
fn compounds_that_hold_more_are_passed_on() {
    let mut room = Room::with(Codec::Vp8);
    let receiver_report = [0x80, 201, 0, 1, 0, 0, 0, 9];
    let bye = [0x81, 203, 0, 1, 0, 0, 0, 7];
    let picture_loss = [0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0x03, 0xE9];
    assert!(room.rtcp(2, &receiver_report).tell);
    assert!(room.rtcp(2, &[&picture_loss[..], &bye[..]].concat()).tell);
    assert!(!room.rtcp(2, &picture_loss).tell);
    let heard = room.rtcp(2, &[&receiver_report[..], &[1, 2, 3]].concat());
    assert!(heard.malformed && !heard.tell);
    assert_eq!(room.rtcp(99, &receiver_report), Heard::default());
}

#[test]
fn reports_count_what_came_and_went() {
    let mut room = Room::with(Codec::Vp8);
    room.video(7, 1, 0, KEY);
    room.video(7, 2, 0, DELTA);
    let mut streams = Vec::new();
    room.router.stream_reports(|transport, ssrc, report| streams.push((transport, ssrc, report.clone())));
    let (transport, ssrc, report) = &streams[0];
    assert_eq!((*transport, *ssrc, report.packets, report.keyframes), (PUBLISHER, 7, 2, 1));
    assert_eq!(report.media_at, Some(SECOND));
    let mut subscriptions = Vec::new();
    room.router.subscription_reports(|number, report| subscriptions.push((number, *report)));
    let (number, report) = subscriptions[0];
    assert_eq!((number, report.packets, report.current_ssrc), (SubscriptionId(1), 2, Some(7)));
    assert_eq!((report.octets, report.waiting_keyframe), (18, false));
    let mut totals = [0; 2];
    room.router.transport_reports(|number, report| match number.0 {
        1 => totals[0] = report.received_packets,
        2 => totals[1] = report.sent_packets,
        _ => {}
    });
    assert_eq!(totals, [2, 2]);
}
