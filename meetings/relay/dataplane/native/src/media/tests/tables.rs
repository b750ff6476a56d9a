#![forbid(unsafe_code)]

use super::room::*;
use crate::media::*;

#[test]
fn a_closed_transport_leaves_nothing_behind() {
    let mut room = Room::with(Codec::Vp8);
    room.subscribe(subscription(2, 1, 1), 7);
    room.video(7, 1, 0, KEY);
    (1..=3).for_each(|number| room.router.close(TransportId(number)));
    assert_eq!(room.router.sizes(), Sizes::default());
    room.pass(3 * SECOND);
    assert_eq!(room.router.next_due(), None, "nor any timer");
}

#[test]
fn a_closed_publisher_leaves_the_subscriptions_to_their_owners() {
    let mut room = Room::with(Codec::Vp8);
    room.router.close(PUBLISHER);
    let sizes = room.router.sizes();
    assert_eq!((sizes.streams, sizes.subscriptions, sizes.tracks), (0, 1, 1));
    let ended = Ended { transport: TransportId(2), ssrc: 1001, rtx_ssrc: Some(2001) };
    assert_eq!(room.router.unsubscribe(SubscriptionId(1)), Some(ended));
    assert_eq!(room.router.unsubscribe(SubscriptionId(1)), None);
    assert_eq!(room.router.sizes().tracks, 0);
}

#[test]
fn an_ssrc_is_used_once_per_transport() {
    let mut room = Room::with(Codec::Vp8);
    room.router.unsubscribe(SubscriptionId(1));
    for (ssrc, rtx) in [(1001, 5), (2001, 5), (5, 1001), (5, 2001), (5, 5)] {
        let again = SubscriptionSettings { ssrc, rtx: Some((rtx, 101)), ..subscription(9, 2, 1) };
        assert_eq!(room.router.subscribe(again), Err(Refusal::SsrcUsed));
    }
    let fresh = SubscriptionSettings { ssrc: 5, rtx: Some((6, 101)), ..subscription(9, 2, 1) };
    assert_eq!(room.router.subscribe(fresh), Ok(()));
    let elsewhere = SubscriptionSettings { ssrc: 1001, ..subscription(10, 3, 1) };
    assert_eq!(room.router.subscribe(elsewhere), Ok(()));
}

#[test]
fn refuses_numbers_in_use_or_unknown() {
    let mut room = Room::with(Codec::Vp8);
    assert_eq!(room.router.add_stream(stream(Codec::Vp8, 7)), Err(Refusal::InUse));
    assert_eq!(room.router.add_repair(PUBLISHER, 7, 7, 97), Err(Refusal::InUse));
    assert_eq!(room.router.subscribe(subscription(1, 3, 1)), Err(Refusal::InUse));
    assert_eq!(room.router.subscribe(subscription(9, 99, 1)), Err(Refusal::UnknownTransport));
    let stranger = StreamSettings { transport: TransportId(99), ..stream(Codec::Vp8, 8) };
    assert_eq!(room.router.add_stream(stranger), Err(Refusal::UnknownTransport));
    assert!(!room.router.remove_stream(PUBLISHER, 8));
    room.router.steer(SubscriptionId(99), Some(7), 0);
    room.router.mute(TrackId(99), false, 0);
    room.router.close(TransportId(99));
    assert!(matches!(
        room.router.receive(TransportId(99), 0, &mut [0x80; 20], 0),
        Received::Dropped(Reason::NoTransport)
    ));
}

#[test]
fn a_subscription_may_come_before_its_track() {
    let mut room = Room::new();
    room.subscribe(subscription(1, 2, 1), 7);
    room.router.add_stream(stream(Codec::Vp8, 7)).unwrap();
    room.video(7, 1, 0, KEY);
    assert_eq!(room.got(2).len(), 1);
}

#[test]
fn two_publishers_may_use_the_same_ssrc() {
    let mut room = Room::with(Codec::Vp8);
    let other = StreamSettings { transport: TransportId(3), track: TrackId(2), ..stream(Codec::Vp8, 7) };
    room.router.add_stream(other).unwrap();
    room.subscribe(subscription(2, 2, 2), 7);
    room.video(7, 1, 0, KEY);
    assert_eq!(room.got(2)[0].ssrc, 1001);
    assert!(room.router.remove_stream(TransportId(3), 7));
    room.video(7, 2, 0, KEY);
    assert_eq!(room.got(2).len(), 1);
}

#[test]
fn coming_and_going_for_long_leaves_no_trace() {
    let mut room = Room::new();
    for round in 0..2_000u32 {
        room.router.open(TransportId(50));
        let settings =
            StreamSettings { transport: TransportId(50), track: TrackId(round), ..stream(Codec::Vp8, round) };
        room.router.add_stream(settings).unwrap();
        room.subscribe(
            SubscriptionSettings {
                ssrc: 10_000 + 2 * round,
                rtx: Some((10_001 + 2 * round, 97)),
                ..subscription(round, 2, round)
            },
            round,
        );
        room.router.close(TransportId(50));
        room.router.unsubscribe(SubscriptionId(round));
        room.pass(5 * MS);
    }
    let sizes = room.router.sizes();
    assert_eq!((sizes.transports, sizes.tracks, sizes.subscriptions), (3, 0, 0));
    room.pass(3 * SECOND);
    assert_eq!(room.router.next_due(), None);
}
