"""Who may watch whose tracks, and what is said of subscriptions that will not come."""

import time
from pathlib import Path

import pytest
from livekit import api
from livekit.protocol.models import SubscriptionError, TrackSource, TrackType
from livekit.protocol.rtc import (
    AddTrackRequest,
    SessionDescription,
    SubscriptionPermission,
    TrackPermission,
    UpdateSubscription,
)

from meetings.relay.errors import LimitExceeded
from meetings.relay.participant.audience import Audience

from .stage import Client, Stage

CAMERA_OFFER = (Path(__file__).parent / "fixtures" / "chromium_simulcast_offer.sdp").read_text()
NOBODY = SubscriptionPermission()
EVERYBODY = SubscriptionPermission(all_participants=True)


def only(*permissions: TrackPermission) -> SubscriptionPermission:
    return SubscriptionPermission(track_permissions=permissions)


async def publish_camera(person: Client) -> str:
    """The sid of a camera that the relay knows."""
    await person.say(add_track=AddTrackRequest(cid="c", type=TrackType.VIDEO, source=TrackSource.CAMERA))
    await person.say(offer=SessionDescription(type="offer", sdp=CAMERA_OFFER))
    return str(person.last("track_published").track.sid)


def test_everybody_may_watch_until_somebody_is_named() -> None:
    audience = Audience()
    assert audience.allows("ben", "TR_1")
    audience.choose(only(TrackPermission(participant_identity="ben", track_sids=["TR_1"])), {}, limit=9)
    assert audience.allows("ben", "TR_1")
    assert not audience.allows("ben", "TR_2")
    assert not audience.allows("cid", "TR_1")
    audience.choose(EVERYBODY, {}, limit=9)
    assert audience.allows("cid", "TR_2")


def test_people_are_named_by_sid_too_and_all_tracks_include_those_to_come() -> None:
    audience = Audience()
    by_sid = only(TrackPermission(participant_sid="PA_1", all_tracks=True), TrackPermission(all_tracks=True))
    audience.choose(by_sid, {"PA_1": "ben"}, limit=9)
    assert audience.allows("ben", "TR_of_tomorrow")
    assert not audience.allows("", "TR_of_tomorrow")


def test_a_permission_for_more_people_than_a_room_holds_is_refused_and_changes_nothing() -> None:
    audience = Audience()
    with pytest.raises(LimitExceeded):
        audience.choose(only(*[TrackPermission(participant_identity=str(n)) for n in range(4)]), {}, limit=3)
    assert audience.allows("ben", "TR_1")


async def test_a_track_that_is_withheld_comes_when_it_is_allowed(stage: Stage) -> None:
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    await ann.say(subscription_permission=NOBODY)
    sid = await publish_camera(ann)
    told = ben.last("subscription_permission_update")
    assert (told.track_sid, told.allowed) == (sid, False)
    assert told.participant_sid == ben.last("update").participants[0].sid
    await ann.say(subscription_permission=EVERYBODY)
    told = ben.last("subscription_permission_update")
    assert (told.track_sid, told.allowed) == (sid, True)
    assert ben.kinds().count("subscription_permission_update") == 2


async def test_whoever_comes_later_is_bound_by_the_permission_and_a_subscription_ends_with_it(
    stage: Stage,
) -> None:
    ann = await stage.enter("ann")
    sid = await publish_camera(ann)
    await ann.say(subscription_permission=only(TrackPermission(participant_identity="ben", all_tracks=True)))
    ben, cid = await stage.enter("ben"), await stage.enter("cid")
    assert "subscription_permission_update" not in ben.kinds()
    assert not cid.last("subscription_permission_update").allowed
    await cid.say(subscription=UpdateSubscription(track_sids=[sid], subscribe=True))
    assert cid.kinds().count("subscription_permission_update") == 1
    await ann.say(subscription_permission=NOBODY)
    assert not ben.last("subscription_permission_update").allowed


async def test_a_subscription_to_a_track_that_is_not_there_is_answered(stage: Stage) -> None:
    ann = await stage.enter("ann")
    await ann.say(subscription=UpdateSubscription(track_sids=["TR_none"], subscribe=True))
    told = ann.last("subscription_response")
    assert (told.track_sid, told.err) == ("TR_none", SubscriptionError.SE_TRACK_NOTFOUND)
    await ann.say(
        subscription=UpdateSubscription(track_sids=[f"TR_{n}" for n in range(5000)], subscribe=True)
    )
    assert ann.kinds().count("subscription_response") <= 1 + 2  # the stage's limit of tracks
    await ann.say(subscription=UpdateSubscription(track_sids=["TR_none"], subscribe=False))
    assert ann.kinds()[-1] == "subscription_response"


async def test_a_track_in_a_codec_the_subscriber_lacks_is_given_up_and_said(stage: Stage) -> None:
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    sid = await publish_camera(ann)
    await ben.say(offer=SessionDescription(type="offer", sdp=first_offer_without_vp8()))
    told = ben.last("subscription_response")
    assert (told.track_sid, told.err) == (sid, SubscriptionError.SE_CODEC_UNSUPPORTED)


def first_offer_without_vp8() -> str:
    first = (Path(__file__).parent / "fixtures" / "chromium_first_offer.sdp").read_text()
    return first.replace("VP8/90000", "XYZ/90000")


async def test_a_publisher_whose_right_is_taken_hears_which_track_ended(
    stage: Stage, livekit: api.LiveKitAPI
) -> None:
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    sid = await publish_camera(ann)
    none = api.ParticipantPermission(can_publish=False, can_subscribe=True)
    await livekit.room.update_participant(
        api.UpdateParticipantRequest(room="r", identity="ann", permission=none)
    )
    assert ann.last("track_unpublished").track_sid == sid
    assert ben.last("update").participants[0].tracks == []


async def test_whoever_may_subscribe_again_gets_what_is_there_but_not_what_they_gave_up(
    stage: Stage, livekit: api.LiveKitAPI
) -> None:
    ann, ben = await stage.enter("ann"), await stage.enter("ben", nbf=int(time.time()))
    sid = await publish_camera(ann)
    await ann.say(subscription_permission=NOBODY)  # so that each new wish of Ben's can be seen
    before = ben.kinds().count("subscription_permission_update")
    assert before == 1

    async def permit(can_subscribe: bool) -> int:
        granted = api.ParticipantPermission(can_publish=True, can_subscribe=can_subscribe)
        request = api.UpdateParticipantRequest(room="r", identity="ben", permission=granted)
        await livekit.room.update_participant(request)
        return ben.kinds().count("subscription_permission_update") - before

    assert await permit(False) == 0
    assert await permit(True) == 1
    await ben.say(subscription=UpdateSubscription(track_sids=[sid], subscribe=False))
    assert await permit(True) == 1  # nothing that concerns subscribing changed
