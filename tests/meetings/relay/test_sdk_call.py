"""Calls with LiveKit's own SDK (libwebrtc inside) at both ends: what it publishes must be decoded."""

import asyncio
import gc
import math
import struct
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from livekit import api, rtc
from pylibsrtp import Session

from meetings.recording.log import MuteRecord, RtpRecord, SenderReport, read_log
from meetings.relay.interface import RelayLimits
from meetings.relay.server import RelayConfig

from .adapter import KEY, RECORDING_KEY, SECRET, Front, OpenPortal, started
from .dataplane.conftest import make_plane
from .impairer import Impairer, every, everything

pytestmark = pytest.mark.media

MEDIA_ADDRESS = "10.77.0.1"
WIDTH, HEIGHT, RATE = 320, 180, 48_000


def join_token(identity: str, room: str = "r", secret: str = SECRET) -> str:
    grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
    made = api.AccessToken(KEY, secret).with_identity(identity).with_name(identity.title())
    return made.with_grants(grants).to_jwt()


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits for something that the other end will bring about."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


class Person:
    """One SDK client: a tone and a moving gradient out; what is decoded is counted."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.frames: dict[str, int] = {}
        self.sizes: set[tuple[int, int]] = set()
        self.loud: dict[str, int] = {}
        self.data: list[tuple[bytes, str | None, str]] = []
        self.texts: list[tuple[str, str]] = []
        self.speakers: set[str] = set()
        self.disconnected: list[int] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.room.on("track_subscribed", self._subscribed)
        self.room.on("data_received", self._data)
        self.room.on("disconnected", self.disconnected.append)
        self.room.on("active_speakers_changed", lambda who: self.speakers.update(p.identity for p in who))
        self.room.register_text_stream_handler("lk.chat", self._text)

    def _spawn(self, work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)

    def _subscribed(self, track, publication, participant) -> None:
        reader = self._watch if track.kind == rtc.TrackKind.KIND_VIDEO else self._listen
        self._spawn(reader(track, participant.identity))

    async def _watch(self, track, identity: str) -> None:
        stream = rtc.VideoStream(track)
        async for event in stream:
            self.frames[identity] = self.frames.get(identity, 0) + 1
            self.sizes.add((event.frame.width, event.frame.height))

    async def _listen(self, track, identity: str) -> None:
        async for event in rtc.AudioStream(track):
            samples = memoryview(event.frame.data).cast("B").cast("h")
            if max(samples) > 4000:
                self.loud[identity] = self.loud.get(identity, 0) + 1

    def _data(self, packet) -> None:
        who = packet.participant.identity if packet.participant else ""
        self.data.append((bytes(packet.data), packet.topic, who))

    def _text(self, reader, identity: str) -> None:
        async def read() -> None:
            self.texts.append((await reader.read_all(), identity))

        self._spawn(read())

    async def publish(self, *, camera: bool = True, microphone: bool = True) -> None:
        person = self.room.local_participant
        if camera:
            source = rtc.VideoSource(WIDTH, HEIGHT)
            track = rtc.LocalVideoTrack.create_video_track("camera", source)
            options = rtc.TrackPublishOptions(
                source=rtc.TrackSource.SOURCE_CAMERA, video_codec=rtc.VideoCodec.VP8, simulcast=True
            )
            self.camera = await person.publish_track(track, options)
            self._spawn(self._film(source))
        if microphone:
            sound = rtc.AudioSource(RATE, 1)
            self.voice = rtc.LocalAudioTrack.create_audio_track("microphone", sound)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            self.microphone = await person.publish_track(self.voice, options)
            self._spawn(self._hum(sound))

    async def _film(self, source: rtc.VideoSource) -> None:
        chroma = b"\x80" * (WIDTH * HEIGHT // 2)
        number = 0
        while True:
            line = bytes((column + 5 * number) & 0xFF for column in range(WIDTH))
            frame = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.I420, line * HEIGHT + chroma)
            source.capture_frame(frame)
            number += 1
            await asyncio.sleep(1 / 15)

    async def _hum(self, source: rtc.AudioSource) -> None:
        tone = [int(12_000 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(RATE // 10)]
        data = struct.pack(f"<{len(tone)}h", *tone)  # 44 whole waves: seamless when repeated
        while True:
            await source.capture_frame(rtc.AudioFrame(data, RATE, 1, len(tone)))

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()


class Call:
    def __init__(self, front: Front, portal: OpenPortal, recordings: Path) -> None:
        self.front, self.portal, self.recordings = front, portal, recordings
        self.people: list[Person] = []
        self.livekit = api.LiveKitAPI(front.url, KEY, SECRET)

    async def join(self, identity: str, token: str | None = None) -> Person:
        person = Person()
        await person.room.connect(self.front.url.replace("http", "ws"), token or join_token(identity))
        self.people.append(person)
        return person


@pytest.fixture(params=["native", "portable"])
async def call(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Call]:
    make_plane(request.param)  # skips where it was not built
    front, portal = Front(), OpenPortal()
    url = await front.listen("127.0.0.1")
    hooks = (f"{url}/webhook",)
    config = RelayConfig(KEY, SECRET, (MEDIA_ADDRESS,), tmp_path, webhook_urls=hooks, plane=request.param)
    relay = await started(front, config, portal)
    call = Call(front, portal, tmp_path)
    yield call
    for person in call.people:
        await person.leave()
    await call.livekit.aclose()
    await relay.stop()
    await front.close()


async def test_two_people_see_hear_and_write_to_each_other(call: Call) -> None:
    ann, ben = await call.join("ann"), await call.join("ben")
    await ann.publish()
    await ben.publish()
    await until(lambda: min(ann.frames.get("ben", 0), ben.frames.get("ann", 0)) > 10)
    await until(lambda: min(ann.loud.get("ben", 0), ben.loud.get("ann", 0)) > 20)
    assert ben.sizes == {(WIDTH, HEIGHT)}
    await until(lambda: ben.speakers >= {"ann"})

    me = ann.room.local_participant
    await me.publish_data(b"to all", reliable=True, topic="t")
    await me.publish_data(b"to nobody here", reliable=True, destination_identities=["cara"])
    await me.publish_data(b"perhaps lost", reliable=False)
    await me.send_text("good morning", topic="lk.chat")
    message = api.SendDataRequest(room="r", data=b"from the portal", topic="p")
    await call.livekit.room.send_data(message)
    await until(lambda: ben.texts and len(ben.data) >= 3)
    assert sorted(ben.data) == [
        (b"from the portal", "p", ""),
        (b"perhaps lost", "", "ann"),
        (b"to all", "t", "ann"),
    ]
    assert ben.texts == [("good morning", "ann")]
    assert [data for data, _, _ in ann.data] == [b"from the portal"]


async def test_muting_unpublishing_and_leaving_are_seen(call: Call) -> None:
    ann, ben = await call.join("ann"), await call.join("ben")
    await ann.publish()
    await until(lambda: ben.loud.get("ann", 0) > 5)
    seen = ben.room.remote_participants["ann"]
    ann.voice.mute()
    await until(lambda: seen.track_publications[ann.microphone.sid].muted)
    ann.voice.unmute()
    await until(lambda: not seen.track_publications[ann.microphone.sid].muted)
    before = ben.loud["ann"]
    await until(lambda: ben.loud["ann"] > before + 5)
    await ann.room.local_participant.unpublish_track(ann.camera.sid)
    await until(lambda: len(seen.track_publications) == 1)
    await ann.room.local_participant.set_attributes({"hand": "up"})
    await until(lambda: seen.attributes.get("hand") == "up")
    await ann.leave()
    await until(lambda: "ann" not in ben.room.remote_participants)
    assert not ben.room.remote_participants


async def test_whoever_comes_late_gets_everything_with_a_keyframe(call: Call) -> None:
    ann = await call.join("ann")
    await ann.publish()
    await asyncio.sleep(1.0)
    cara = await call.join("cara")
    began = time.monotonic()
    await until(lambda: cara.frames.get("ann", 0) > 3 and cara.loud.get("ann", 0) > 3)
    assert time.monotonic() - began < 5


async def test_sections_grow_with_the_room(call: Call) -> None:
    """More tracks than the six sections that the first offer brings."""
    people = [await call.join(f"p{number}") for number in range(5)]
    for person in people:
        await person.publish(camera=False)
    everyone = {f"p{number}" for number in range(5)}
    await until(lambda: all(set(p.loud) == everyone - {f"p{i}"} for i, p in enumerate(people)), 20)
    assert all(set(person.room.remote_participants) == set(person.loud) for person in people)


@pytest.mark.parametrize(
    "token",
    [
        join_token("eve", secret="b" * 40),
        join_token("refused"),
        api.AccessToken(KEY, SECRET).with_identity("eve").with_grants(api.VideoGrants(room="r")).to_jwt(),
    ],
    ids=["forged", "not admitted", "no right to join"],
)
async def test_the_sdk_is_refused_too(call: Call, token: str, caplog: pytest.LogCaptureFixture) -> None:
    call.portal.refused.add("refused")
    with pytest.raises(rtc.ConnectError) as refused:
        await call.join("eve", token)
    assert "401" in str(refused.value) or "403" in str(refused.value)
    assert "Signature" not in str(refused.value)
    assert any(record.name == "visio.relay" and "refused" in record.message for record in caplog.records)


async def test_a_removed_person_is_out_and_stays_out(call: Call) -> None:
    token = join_token("ann")
    ann, ben = await call.join("ann", token), await call.join("ben")
    await until(lambda: "ann" in ben.room.remote_participants)
    await call.livekit.room.remove_participant(api.RoomParticipantIdentity(room="r", identity="ann"))
    await until(lambda: ann.disconnected and "ann" not in ben.room.remote_participants)
    with pytest.raises(rtc.ConnectError):
        await call.join("ann", token)


async def test_a_lost_socket_is_resumed_without_losing_the_picture(call: Call) -> None:
    ann, ben = await call.join("ann"), await call.join("ben")
    await ann.publish()
    await until(lambda: ben.frames.get("ann", 0) > 5)
    relay = call.front.relay
    assert relay is not None
    person = next(iter(relay._rooms)).people["ben"]
    sid, socket = person.sid, person.outbox
    assert socket is not None
    socket.finish(1011)
    await until(lambda: person.outbox not in (socket, None), 15)
    before = ben.frames["ann"]
    await until(lambda: ben.frames["ann"] > before + 10)
    assert next(iter(relay._rooms)).people["ben"].sid == sid
    await ann.room.local_participant.publish_data(b"still here", reliable=True)
    await until(lambda: (b"still here", "", "ann") in ben.data)


async def test_a_recording_holds_every_track_from_its_first_packet(call: Call) -> None:
    tracks = api.RoomEgress(tracks=api.AutoTrackEgress(filepath="rec-1"))
    ann = await call.join("ann")
    await ann.publish(camera=False)
    await until(lambda: "track_published" in call.front.names())
    await call.livekit.room.create_room(api.CreateRoomRequest(name="r", egress=tracks))
    ben = await call.join("ben")
    assert ben.room.isconnected()
    await ben.publish()
    await until(lambda: ann.frames.get("ben", 0) > 20)
    relay = call.front.relay
    assert relay is not None
    layers = [layer for track in next(iter(relay._rooms)).tracks() for layer in track.layers.values()]
    # The SDK sends its first report on a microphone after some 2 to 5 seconds.
    await until(lambda: all(layer.sender_clock for layer in layers))
    ann.voice.mute()
    await asyncio.sleep(0.5)
    egresses = await call.livekit.egress.list_egress(api.ListEgressRequest(room_name="r", active=True))
    assert len(egresses.items) == 3
    await call.livekit.room.create_room(api.CreateRoomRequest(name="r", egress=api.RoomEgress()))
    await until(lambda: call.front.names().count("egress_ended") == 3)
    logs = [read_log(path, RECORDING_KEY) for path in sorted((call.recordings / "rec-1").glob("*.vlog"))]
    assert sorted((log.header.participant_identity, log.header.mime) for log in logs) == [
        ("ann", "audio/opus"),
        ("ben", "audio/opus"),
        ("ben", "video/VP8"),
    ]
    for log in logs:
        records = list(log.records)
        packets = [record.packet for record in records if isinstance(record, RtpRecord)]
        assert log.complete
        assert len(packets) > 20
        assert len({packet[8:12] for packet in packets}) == 1
        assert any(isinstance(record, SenderReport) for record in records)
        muted = any(isinstance(record, MuteRecord) and record.muted for record in records)
        assert muted == (log.header.participant_identity == "ann")


@pytest.fixture
async def bad_network(call: Call) -> AsyncIterator[Impairer]:
    """The relay listens where clients cannot reach it; all their packets go through an impairer."""
    assert call.front.relay is not None
    await call.front.relay.stop()
    limits = RelayLimits(consent=6.0)
    hidden = RelayConfig(KEY, SECRET, (MEDIA_ADDRESS,), call.recordings, bind="127.0.0.1", limits=limits)
    relay = await started(call.front, hidden, call.portal)
    impairer = Impairer(MEDIA_ADDRESS, relay.udp_port)
    await impairer.start()
    yield impairer
    for person in call.people:
        await person.leave()
    await relay.stop()
    await impairer.stop()


async def test_packets_lost_on_their_way_down_are_sent_again(call: Call, bad_network: Impairer) -> None:
    bad_network.loses_down = every(20)
    ann, ben = await call.join("ann"), await call.join("ben")
    await ann.publish(microphone=False)
    await until(lambda: ben.frames.get("ann", 0) > 60, 20)
    assert call.front.relay is not None
    assert bad_network.lost >= 3
    assert call.front.relay.counters()["retransmitted"] >= bad_network.lost // 2


async def test_packets_lost_on_their_way_up_are_asked_for(call: Call, bad_network: Impairer) -> None:
    bad_network.loses_up = every(20)
    ann, ben = await call.join("ann"), await call.join("ben")
    await ann.publish(microphone=False)
    await until(lambda: ben.frames.get("ann", 0) > 60, 20)
    assert call.front.relay is not None
    (track,) = next(iter(call.front.relay._rooms)).tracks()
    assert bad_network.lost >= 3
    missing = sum(layer.report.lost for layer in track.layers.values())
    assert missing <= bad_network.lost // 2


async def test_a_client_goes_on_from_another_network(call: Call, bad_network: Impairer) -> None:
    ann, ben = await call.join("ann"), await call.join("ben")
    await ann.publish()
    await until(lambda: ben.frames.get("ann", 0) > 5)
    bad_network.move()
    before = ben.frames["ann"]
    await until(lambda: ben.frames["ann"] > before + 20, 15)
    assert call.front.relay is not None
    assert set(next(iter(call.front.relay._rooms)).people) == {"ann", "ben"}
    assert ben.disconnected == []


async def test_whoever_cannot_be_reached_any_more_is_removed(call: Call, bad_network: Impairer) -> None:
    await call.join("ann")
    assert call.front.relay is not None
    (room,) = call.front.relay._rooms
    person = room.people["ann"]
    await until(lambda: person.peer.connected)
    bad_network.loses_up = bad_network.loses_down = everything
    await until(lambda: not person.present, 15)


async def test_nothing_is_left_of_a_call(call: Call) -> None:
    """libsrtp's memory goes with its Python object: one kept by mistake is one leaked per call."""
    relay, me = call.front.relay, asyncio.current_task()
    assert relay is not None
    ann, ben = await call.join("ann"), await call.join("ben")
    await ann.publish()
    await until(lambda: ben.frames.get("ann", 0) > 5)
    assert srtp_sessions() == 4
    plane = relay._plane
    await ann.leave()
    await ben.leave()
    await until(lambda: not any(plane.sizes().values()))
    assert relay._ice._agents == {}
    gc.collect()
    assert srtp_sessions() == 0
    await relay.stop()
    assert [task for task in asyncio.all_tasks() if "/meetings/relay/" in str(task) and task is not me] == []


def srtp_sessions() -> int:
    return sum(isinstance(thing, Session) for thing in gc.get_objects())
