"""livekit-api against `manage.py relay --standalone`: every call the portal may make, with SDK people there.

Each webhook has passed livekit-api's own receiver.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from livekit import api, rtc
from livekit.protocol.egress import DirectFileOutput, EgressStatus
from livekit.protocol.rtc import SignalRequest

from meetings.management.standalone import key_of
from meetings.recording.log import RtpRecord, read_log

from .adapter import KEY, SECRET
from .stage import joining, token
from .standalone_process import Hook, Standalone, hook, standalone
from .test_sdk_call import MEDIA_ADDRESS, Person, join_token, until

pytestmark = pytest.mark.media


@dataclass
class Place:
    """The running relay, its server API, its webhooks, and the people who came."""

    running: Standalone
    livekit: api.LiveKitAPI
    hook: Hook
    recordings: Path
    people: list[Person] = field(default_factory=list)

    async def join(self, identity: str, room: str = "r") -> Person:
        person = Person()
        await person.room.connect(self.running.url.replace("http", "ws"), join_token(identity, room))
        self.people.append(person)
        return person


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    recordings = tmp_path / "recordings"
    async with hook() as told:
        options = ("--webhook", told.url, "--recordings", str(recordings), "--node-ip", MEDIA_ADDRESS)
        with standalone(tmp_path, *options) as running:
            async with api.LiveKitAPI(running.url, KEY, SECRET) as livekit:
                made = Place(running, livekit, told, recordings)
                yield made
                for person in made.people:
                    await person.leave()
            await asyncio.to_thread(running.stop)  # its last webhooks are still taken here
        assert told.refused == []


async def test_rooms_people_tracks_and_data(place: Place) -> None:
    room, who = place.livekit.room, api.RoomParticipantIdentity(room="r", identity="ann")
    made = await room.create_room(
        api.CreateRoomRequest(name="r", metadata="m", empty_timeout=60, max_participants=2)
    )
    assert (made.name, made.metadata, made.empty_timeout, made.max_participants) == ("r", "m", 60, 2)
    ann, ben = await place.join("ann"), await place.join("ben")
    with pytest.raises(rtc.ConnectError):
        await place.join("one too many")
    await ann.publish()
    await until(lambda: ben.frames.get("ann", 0) > 5 and ben.loud.get("ann", 0) > 5)

    (listed,) = (await room.list_rooms(api.ListRoomsRequest(names=["r"]))).rooms
    assert (listed.sid, listed.num_participants, listed.num_publishers) == (made.sid, 2, 1)
    people = (await room.list_participants(api.ListParticipantsRequest(room="r"))).participants
    assert {person.identity for person in people} == {"ann", "ben"}
    tracks = {track.source: track.sid for track in (await room.get_participant(who)).tracks}
    assert set(tracks) == {rtc.TrackSource.SOURCE_CAMERA, rtc.TrackSource.SOURCE_MICROPHONE}

    await room.update_room_metadata(api.UpdateRoomMetadataRequest(room="r", metadata="agenda"))
    await until(lambda: ben.room.metadata == "agenda")
    update = api.UpdateParticipantRequest(
        room="r", identity="ann", name="Dr Ann", metadata="x", attributes={"a": "b"}
    )
    await room.update_participant(update)
    seen = ben.room.remote_participants["ann"]
    await until(lambda: (seen.name, seen.metadata, seen.attributes) == ("Dr Ann", "x", {"a": "b"}))

    await room.send_data(api.SendDataRequest(room="r", data=b"hi", topic="t", destination_identities=["ben"]))
    await until(lambda: ben.data == [(b"hi", "t", "")])
    assert ann.data == []

    await _a_muted_microphone_is_silent(place, ann, ben)
    await _watching_is_ended_and_begun_again(place, ben, tracks[rtc.TrackSource.SOURCE_CAMERA])
    silent = api.ParticipantPermission(can_publish=False, can_subscribe=True)
    await room.update_participant(api.UpdateParticipantRequest(room="r", identity="ann", permission=silent))
    await until(lambda: not seen.track_publications)
    await _a_removed_person_stays_out(place, ben)
    await room.delete_room(api.DeleteRoomRequest(room="r"))
    await until(lambda: ann.disconnected)
    assert (await room.list_rooms(api.ListRoomsRequest())).rooms == []
    await until(lambda: place.hook.named("room_finished"))
    _told_in_order(place.hook)


async def _a_muted_microphone_is_silent(place: Place, ann: Person, ben: Person) -> None:
    muting = api.MuteRoomTrackRequest(room="r", identity="ann", track_sid=ann.microphone.sid, muted=True)
    assert (await place.livekit.room.mute_published_track(muting)).track.muted
    await until(lambda: ben.room.remote_participants["ann"].track_publications[ann.microphone.sid].muted)
    await asyncio.sleep(0.5)  # what was on its way
    before = ben.loud["ann"]
    await asyncio.sleep(0.5)
    assert ben.loud["ann"] == before


async def _watching_is_ended_and_begun_again(place: Place, ben: Person, camera: str) -> None:
    def wish(subscribe: bool) -> api.UpdateSubscriptionsRequest:
        return api.UpdateSubscriptionsRequest(
            room="r", identity="ben", track_sids=[camera], subscribe=subscribe
        )

    await place.livekit.room.update_subscriptions(wish(False))
    await asyncio.sleep(0.5)
    before = ben.frames["ann"]
    await asyncio.sleep(0.5)
    assert ben.frames["ann"] == before
    await place.livekit.room.update_subscriptions(wish(True))
    await until(lambda: ben.frames["ann"] > before + 5)


async def _a_removed_person_stays_out(place: Place, ben: Person) -> None:
    await place.livekit.room.remove_participant(api.RoomParticipantIdentity(room="r", identity="ben"))
    await until(lambda: ben.disconnected)
    with pytest.raises(rtc.ConnectError):
        await place.join("ben")


def _told_in_order(told: Hook) -> None:
    events = [event for event in told.events if event.room.name == "r"]
    names = [event.event for event in events]
    assert names[0] == "room_started"
    assert names[-1] == "room_finished"
    assert sorted(set(names)) == [
        "participant_joined",
        "participant_left",
        "room_finished",
        "room_started",
        "track_published",
        "track_unpublished",
    ]
    assert names.count("track_published") == names.count("track_unpublished") == 2
    about_ann = [event.event for event in events if event.participant.identity == "ann"]
    assert (about_ann[0], about_ann[-1]) == ("participant_joined", "participant_left")
    assert len({event.id for event in told.events}) == len(told.events)


async def test_egress_of_all_tracks_and_of_one(place: Place) -> None:
    room, egress, told = place.livekit.room, place.livekit.egress, place.hook
    automatic = api.RoomEgress(tracks=api.AutoTrackEgress(filepath="auto"))
    await room.create_room(api.CreateRoomRequest(name="r", egress=automatic))
    ann, ben = await place.join("ann"), await place.join("ben")
    await ann.publish()
    await until(lambda: len(told.named("egress_updated")) == 2 and ben.frames.get("ann", 0) > 15)
    running = (await egress.list_egress(api.ListEgressRequest(room_name="r", active=True))).items
    assert [info.status for info in running] == [EgressStatus.EGRESS_ACTIVE] * 2
    camera = next(info for info in running if info.track.track_id == ann.camera.sid)
    await egress.stop_egress(api.StopEgressRequest(egress_id=camera.egress_id))
    await until(lambda: len(told.named("egress_ended")) == 1)
    with pytest.raises(api.TwirpError) as ended:
        await egress.stop_egress(api.StopEgressRequest(egress_id=camera.egress_id))
    assert ended.value.code == "failed_precondition"
    once_more = api.TrackEgressRequest(
        room_name="r", track_id=ann.camera.sid, file=DirectFileOutput(filepath="single")
    )
    second = await egress.start_track_egress(once_more)
    await until(lambda: len(told.named("egress_updated")) == 3)
    before = ben.frames["ann"]
    await until(lambda: ben.frames["ann"] > before + 10)
    await room.create_room(api.CreateRoomRequest(name="r", egress=api.RoomEgress()))
    await until(lambda: len(told.named("egress_ended")) == 3)
    (found,) = (await egress.list_egress(api.ListEgressRequest(egress_id=second.egress_id))).items
    assert found.status == EgressStatus.EGRESS_COMPLETE
    assert [name.event for name in told.events if name.egress_info.egress_id == second.egress_id] == [
        "egress_started",
        "egress_updated",
        "egress_ended",
    ]
    for event in told.named("egress_ended"):
        (file,) = event.egress_info.file_results
        log = read_log(place.recordings / file.filename, key_of(place.recordings))
        assert sum(isinstance(record, RtpRecord) for record in log.records) > 5
        assert file.size == (place.recordings / file.filename).stat().st_size


async def test_rooms_end_when_nobody_comes_or_the_last_has_gone(place: Place) -> None:
    room = place.livekit.room
    await room.create_room(api.CreateRoomRequest(name="nobody comes", empty_timeout=1))
    await room.create_room(api.CreateRoomRequest(name="r", departure_timeout=1))
    params = {"access_token": token("ann"), "join_request": joining()}
    async with (
        aiohttp.ClientSession(place.running.url) as http,
        http.ws_connect("/rtc/v1", params=params) as socket,
    ):
        await socket.receive_bytes(timeout=5)
        leave = SignalRequest()
        leave.leave.SetInParent()
        await socket.send_bytes(leave.SerializeToString())
        with suppress(TimeoutError):
            await socket.receive(timeout=0.5)
    await until(lambda: len(place.hook.named("room_finished")) == 2)
    assert {event.room.name for event in place.hook.named("room_finished")} == {"nobody comes", "r"}
    (aborted,) = place.hook.named("participant_connection_aborted")
    assert aborted.participant.identity == "ann"


async def test_what_is_offered_nowhere_here_is_told_so(place: Place) -> None:
    calls = [
        place.livekit.room.forward_participant(api.ForwardParticipantRequest(room="r", identity="x")),
        place.livekit.room.move_participant(api.MoveParticipantRequest(room="r", identity="x")),
        place.livekit.egress.start_room_composite_egress(api.RoomCompositeEgressRequest(room_name="r")),
        place.livekit.egress.update_layout(api.UpdateLayoutRequest(egress_id="x")),
        place.livekit.ingress.list_ingress(api.ListIngressRequest()),
    ]
    for call in calls:
        with pytest.raises(api.TwirpError) as refused:
            await call
        assert (refused.value.code, refused.value.status) == ("unimplemented", 501)
