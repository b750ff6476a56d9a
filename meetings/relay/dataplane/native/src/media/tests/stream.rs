#![forbid(unsafe_code)]

use crate::media::settings::Codec;
use crate::media::stream::{Arrival, Media, Reason, Stream};
use crate::media::testing::{packet, settings, OPUS, RED};
use crate::media::Header;

fn receive(stream: &mut Stream, packet: &[u8], muted: bool, audible: bool) -> Result<Media, Reason> {
    let header = Header::parse(packet).unwrap();
    stream.receive(&header, packet, Arrival { muted, repaired: false, now: 5 }, |_| audible)
}

fn number(stream: &mut Stream, packet: &[u8]) -> u64 {
    receive(stream, packet, false, true).unwrap().number - 0x10000
}

const KEYFRAME: &[u8] = &[0x90, 0xE0, 0x81, 2, 7, 0, 0, 1, 2];

#[test]
fn reads_keyframes_and_pictures_once() {
    let mut stream = Stream::new(1, settings(Codec::Vp8));
    let media = receive(&mut stream, &packet(96, 1, 0, 7, KEYFRAME), false, true).unwrap();
    assert!(media.keyframe && media.forward && media.primary.is_none());
    let picture = media.picture.unwrap();
    assert_eq!((picture.id, picture.tl0), (0x102, Some(7)));
    assert_eq!(stream.report().keyframes, 1);
}

#[test]
fn keeps_video_and_not_audio() {
    let mut stream = Stream::new(1, settings(Codec::Vp8));
    let whole = packet(96, 1, 0, 7, KEYFRAME);
    let number = receive(&mut stream, &whole, false, true).unwrap().number;
    assert_eq!(stream.cache.get(number), Some(&whole[..]));
    let mut stream = Stream::new(1, settings(Codec::Opus));
    receive(&mut stream, &packet(OPUS, 1, 0, 7, b"sound"), false, true).unwrap();
    assert_eq!(stream.cache.size(), 0);
}

#[test]
fn leaves_out_probes_other_payload_types_and_what_is_muted() {
    let mut stream = Stream::new(1, settings(Codec::Vp8));
    assert_eq!(number(&mut stream, &packet(96, 1, 0, 7, KEYFRAME)), 1);
    let mut probe = packet(96, 2, 0, 7, &[0, 0, 3]);
    probe[0] |= 0x20;
    assert_eq!(receive(&mut stream, &probe, false, true), Err(Reason::Padding));
    let other = packet(97, 3, 0, 7, KEYFRAME);
    assert_eq!(receive(&mut stream, &other, false, true), Err(Reason::PayloadType));
    let muted = packet(96, 4, 0, 7, KEYFRAME);
    assert_eq!(receive(&mut stream, &muted, true, true), Err(Reason::Muted));
    assert_eq!(receive(&mut stream, &muted, false, true), Err(Reason::Duplicate));
    assert_eq!(number(&mut stream, &packet(96, 5, 0, 7, KEYFRAME)), 2);
}

#[test]
fn an_inaudible_packet_is_for_the_recorder_only_and_leaves_no_gap() {
    let mut stream = Stream::new(1, settings(Codec::Opus));
    assert_eq!(number(&mut stream, &packet(OPUS, 1, 0, 7, b"sound")), 1);
    let media = receive(&mut stream, &packet(OPUS, 2, 0, 7, b"sound"), false, false).unwrap();
    assert!(!media.forward && !stream.report().audible);
    receive(&mut stream, &packet(OPUS, 9, 0, 7, b"sound"), false, false).unwrap();
    assert_eq!(number(&mut stream, &packet(OPUS, 10, 0, 7, b"sound")), 2);
}

#[test]
fn finds_the_primary_encoding_in_red() {
    let mut stream = Stream::new(1, settings(Codec::Opus));
    let red = packet(RED, 1, 0, 7, &[0x80 | OPUS, 0, 0, 2, OPUS, 8, 8, 9, 9]);
    let media = receive(&mut stream, &red, false, true).unwrap();
    assert_eq!(&red[media.primary.unwrap()], &[9, 9]);
    for (sequence, bad, reason) in [
        (2, &[0x80 | OPUS, 0, 3][..], Reason::Malformed),
        (3, &[112, 1], Reason::PayloadType),
        (4, &[OPUS], Reason::PayloadType),
    ] {
        assert_eq!(receive(&mut stream, &packet(RED, sequence, 0, 7, bad), false, true).err(), Some(reason));
    }
}

#[test]
fn the_loudest_level_of_an_interval_is_reported() {
    let mut stream = Stream::new(1, settings(Codec::Opus));
    for (sequence, level) in [(1, 40), (2, 0x80 | 25), (3, 60)] {
        let mut packet = packet(OPUS, sequence, 0, 7, b"sound");
        packet[17] = level;
        receive(&mut stream, &packet, false, true).unwrap();
    }
    assert_eq!(stream.report().level, 25);
    assert_eq!(stream.report().level, 127);
}

#[test]
fn keyframes_are_asked_for_at_most_twice_a_second() {
    let mut stream = Stream::new(1, settings(Codec::Vp8));
    assert!(!stream.take_keyframe_request(0));
    let mut asked = 0;
    for now in (0..2_000_000).step_by(10_000) {
        stream.want_keyframe();
        asked += u32::from(stream.take_keyframe_request(now));
    }
    assert_eq!(asked, 4);
}

#[test]
fn what_came_by_rtx_counts_as_repaired_and_not_as_received() {
    let mut stream = Stream::new(1, settings(Codec::Vp8));
    for (sequence, repaired) in [(1, false), (3, false), (2, true)] {
        let packet = packet(96, sequence, 0, 7, KEYFRAME);
        let header = Header::parse(&packet).unwrap();
        let arrival = Arrival { muted: false, repaired, now: 5 };
        stream.receive(&header, &packet, arrival, |_| true).unwrap();
    }
    let report = stream.report();
    assert_eq!((report.packets, report.repaired, report.lost), (3, 1, 1));
    let mut wanted = Vec::new();
    stream.nacks.due(1_000_000, &mut wanted);
    assert!(wanted.is_empty());
}

#[test]
fn a_sender_that_begins_anew_is_asked_for_a_keyframe() {
    let mut stream = Stream::new(1, settings(Codec::Vp8));
    number(&mut stream, &packet(96, 30_000, 0, 7, KEYFRAME));
    assert!(receive(&mut stream, &packet(96, 100, 0, 7, KEYFRAME), false, true).is_err());
    number(&mut stream, &packet(96, 101, 0, 7, KEYFRAME));
    assert!(stream.take_keyframe_request(0));
}
