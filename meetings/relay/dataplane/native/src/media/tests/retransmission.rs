#![forbid(unsafe_code)]

use super::room::*;
use crate::media::rtcp::write_nack;
use crate::media::testing::packet;
use crate::media::*;

fn nack(ssrc: u32, lost: &[u16]) -> Vec<u8> {
    let mut out = Vec::new();
    write_nack(&mut out, ssrc, lost);
    out
}

#[test]
fn a_lost_packet_is_sent_again_by_rtx() {
    let mut room = Room::with(Codec::Vp8);
    room.video(7, 10, 3_000, KEY);
    room.video(7, 11, 6_000, DELTA);
    room.video(7, 12, 9_000, DELTA);
    let first = room.got(2)[0].clone();
    let heard = room.rtcp(2, &nack(1001, &[first.sequence]));
    assert_eq!((heard.nacked, heard.retransmitted, heard.tell), (1, 1, false));
    let again = room.got(2);
    assert_eq!((again[0].ssrc, again[0].payload_type, again[0].timestamp), (2001, 101, 3_000));
    assert_eq!(again[0].payload, [&first.sequence.to_be_bytes()[..], KEY].concat());
    room.rtcp(2, &nack(1001, &[first.sequence]));
    assert_eq!(room.got(2)[0].sequence, again[0].sequence.wrapping_add(1));
}

#[test]
fn what_was_sent_before_a_switch_is_found_in_the_layer_it_came_from() {
    let mut room = Room::with(Codec::Vp8);
    room.router.add_stream(StreamSettings { quality: 0, ..stream(Codec::Vp8, 8) }).unwrap();
    room.video(7, 10, 3_000, KEY);
    room.router.steer(SubscriptionId(1), Some(8), room.now);
    room.now += 33 * MS;
    room.video(8, 900, 50, &[KEY, &[8]].concat());
    room.video(8, 901, 3_050, DELTA);
    let got = room.got(2);
    room.rtcp(2, &nack(1001, &[got[0].sequence, got[1].sequence]));
    let again = room.got(2);
    for (sent, again) in got.iter().zip(&again) {
        assert_eq!(again.payload, [&sent.sequence.to_be_bytes()[..], &sent.payload].concat());
        assert_eq!(again.timestamp, sent.timestamp);
    }
    assert_eq!(again.len(), 2);
}

#[test]
fn two_packets_forwarded_earn_one_retransmission() {
    let mut room = Room::with(Codec::Vp8);
    (10..15).for_each(|sequence| _ = room.video(7, sequence, 0, KEY));
    let first = room.got(2)[0].sequence;
    let heard = room.rtcp(2, &nack(1001, &[first]).repeat(20));
    assert_eq!((heard.nacked, heard.retransmitted, heard.refused), (20, 3, 17));
}

#[test]
fn without_rtx_nothing_is_sent_again() {
    let mut room = Room::new();
    room.router.add_stream(stream(Codec::Vp8, 7)).unwrap();
    room.subscribe(SubscriptionSettings { rtx: None, ..subscription(1, 2, 1) }, 7);
    room.video(7, 10, 0, KEY);
    let first = room.got(2)[0].sequence;
    let heard = room.rtcp(2, &nack(1001, &[first]));
    assert_eq!((heard.retransmitted, heard.refused, room.got(2).len()), (0, 1, 0));
}

#[test]
fn what_was_never_sent_is_not_sent_again() {
    let mut room = Room::with(Codec::Vp8);
    room.video(7, 10, 0, KEY);
    let first = room.got(2)[0].sequence;
    let near = (0..200).map(|step| first.wrapping_add(step).wrapping_sub(100)).collect::<Vec<_>>();
    assert_eq!(room.rtcp(2, &nack(1001, &near)).retransmitted, 1);
    room.got(2);
    assert_eq!(room.rtcp(2, &nack(9999, &near)), Heard::default());
    assert_eq!(room.rtcp(3, &nack(1001, &near)), Heard::default(), "another's subscription");
}

fn rtx(sequence: u16, payload: &[u8]) -> Vec<u8> {
    packet(97, sequence, 5_000, 70, payload)
}

#[test]
fn what_a_publisher_repairs_goes_on_as_the_original() {
    let mut room = Room::with(Codec::Vp8);
    room.router.add_repair(PUBLISHER, 70, 7, 97).unwrap();
    room.video(7, 10, 5_000, KEY);
    room.video(7, 12, 5_000, DELTA);
    let repaired = room.take(&rtx(1, &[&[0, 11], DELTA].concat()));
    match repaired {
        Received::Accepted(accepted) => {
            assert_eq!((accepted.ssrc, accepted.header.sequence, accepted.header.payload_type), (7, 11, 96));
            assert_eq!((accepted.range.start, accepted.header.timestamp), (2, 5_000));
        }
        other => panic!("{other:?}"),
    }
    let got = room.got(2);
    assert_eq!(got[2].sequence, got[0].sequence.wrapping_add(1));
    assert_eq!(got[2].payload, DELTA);
    let mut repaired = 0;
    room.router.stream_reports(|_, _, report| repaired = report.repaired);
    assert_eq!(repaired, 1);
    assert!(matches!(room.take(&rtx(2, &[&[0, 11], DELTA].concat())), Received::Dropped(Reason::Duplicate)));
}

#[test]
fn padding_and_strays_on_the_rtx_ssrc_are_dropped() {
    let mut room = Room::with(Codec::Vp8);
    room.router.add_repair(PUBLISHER, 70, 7, 97).unwrap();
    let mut probe = rtx(1, &[0, 0, 3]);
    probe[0] |= 0x20;
    for (packet, reason) in [
        (probe, Reason::Padding),
        (rtx(2, &[0]), Reason::Padding),
        (packet(98, 3, 0, 70, KEY), Reason::PayloadType),
    ] {
        assert!(matches!(room.take(&packet), Received::Dropped(found) if found == reason));
    }
    room.router.remove_stream(PUBLISHER, 7);
    assert!(matches!(room.take(&rtx(4, KEY)), Received::Unknown(_)), "its repair went with it");
}

#[test]
fn an_rtx_packet_that_came_before_its_repair_was_declared_is_not_lost() {
    let mut room = Room::with(Codec::Vp8);
    room.video(7, 10, 0, KEY);
    assert!(matches!(room.take(&rtx(1, &[&[0, 11], DELTA].concat())), Received::Unknown(_)));
    room.router.add_repair(PUBLISHER, 70, 7, 97).unwrap();
    for stashed in room.router.take_stashed(PUBLISHER, 70) {
        room.take(&stashed.packet);
    }
    assert_eq!(room.got(2).len(), 2);
}

#[test]
fn a_probe_repeats_what_was_sent_at_its_bitrate() {
    let mut room = Room::with(Codec::Vp8);
    for sequence in 0..20 {
        room.video(7, sequence, 0, &[KEY, &[1; 900]].concat());
    }
    room.got(2);
    room.router.probe(TransportId(2), 1_000_000, SECOND, room.now);
    room.pass(2 * SECOND);
    let got = room.got(2);
    let octets: usize = got.iter().map(|got| got.payload.len() + 28).sum();
    assert!((118_000..=127_000).contains(&octets), "{octets}");
    assert!(got.iter().all(|got| got.ssrc == 2001 && got.payload.len() > 900));
    assert!(room.router.probe_is_idle(TransportId(2)));
}

#[test]
fn a_probe_without_media_is_padding_and_without_rtx_nothing() {
    let mut room = Room::with(Codec::Vp8);
    room.router.probe(TransportId(2), 1_000_000, 100 * MS, room.now);
    room.pass(SECOND);
    let got = room.got(2);
    assert!(got.len() > 30 && got.iter().all(|got| got.ssrc == 2001 && got.payload.is_empty()));
    room.router.probe(TransportId(3), 1_000_000, 100 * MS, room.now);
    room.router.probe(TransportId(99), 1_000_000, 100 * MS, room.now);
    room.pass(SECOND);
    assert_eq!(room.got(3), vec![]);
}
