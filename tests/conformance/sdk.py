"""LiveKit's Python SDK (libwebrtc inside) as a client of the conformance run."""

import asyncio
import math
import struct
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

from livekit import rtc

from .client import SIMULCAST, NotOffered, Picture, Received

RATE: Final = 48_000
_STATES: Final = {0: "disconnected", 1: "connected", 2: "reconnecting"}
_SOURCES: Final = {1: "camera", 2: "microphone"}
_EVENTS: Final = (
    "local_track_subscribed",
    "track_subscribed",
    "track_unsubscribed",
    "connection_quality_changed",
    "reconnecting",
    "reconnected",
    "disconnected",
)


class SdkClient:
    """`client.Client`."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.room = rtc.Room()
        self._events: list[list[str]] = []
        self._data: list[list[str]] = []
        self._texts: list[list[str]] = []
        self._refused: list[list[str]] = []
        self._speaking: list[str] = []
        self._quiet = False
        self._spoke: set[str] = set()
        self._widths: dict[str, int] = {}
        self._tracks: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for name in _EVENTS:
            self.room.on(name, lambda *given, name=name: self._events.append([name, _first_text(given)]))
        self.room.on("track_subscribed", self._subscribed)
        self.room.on("data_received", self._data_received)
        self.room.on("active_speakers_changed", self._speakers)
        self.room.on("track_subscription_failed", lambda who, sid, why: self._refused.append([sid, str(why)]))
        self.room.register_text_stream_handler("lk.chat", self._text)

    async def join(self, url: str, token: str, **options: Any) -> None:
        await self.room.connect(url, token, _room_options({**options, **options.get("room", {})}))

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.room.disconnect()

    async def publish_camera(self, picture: Picture = SIMULCAST) -> str:
        source = rtc.VideoSource(picture.width, picture.height)
        track = rtc.LocalVideoTrack.create_video_track("camera", source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA,
            video_codec=rtc.VideoCodec.VP8,
            simulcast=bool(picture.layers),
            degradation_preference=rtc.DegradationPreference.MAINTAIN_RESOLUTION,
            video_encoding=rtc.VideoEncoding(max_bitrate=600_000, max_framerate=picture.fps),
        )
        self._spawn(_film(source, picture))
        published = await self.room.local_participant.publish_track(track, options)
        self._tracks[published.sid] = track
        return published.sid

    async def publish_microphone(self) -> str:
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=False)
        self._spawn(self._hum(source))
        published = await self.room.local_participant.publish_track(track, options)
        self._tracks[published.sid] = track
        return published.sid

    async def unpublish(self, sid: str) -> None:
        await self.room.local_participant.unpublish_track(sid)

    async def mute(self, sid: str, muted: bool) -> None:
        if muted:
            self._tracks[sid].mute()
        else:
            self._tracks[sid].unmute()

    async def hush(self, sid: str, quiet: bool) -> None:
        self._quiet = quiet

    async def subscribe(self, sid: str, wanted: bool) -> None:
        self._theirs(sid).set_subscribed(wanted)

    async def quality(self, sid: str, quality: int) -> None:
        self._theirs(sid).set_video_quality(quality)

    async def size(self, sid: str, width: int, height: int) -> None:
        raise NotOffered

    async def describe(self, **changes: Any) -> None:
        me = self.room.local_participant
        for name, value in changes.items():
            await getattr(me, f"set_{name}")(value)

    async def permit(self, identities: Sequence[str]) -> None:
        permissions = [
            rtc.ParticipantTrackPermission(participant_identity=who, allow_all=True) for who in identities
        ]
        self.room.local_participant.set_track_subscription_permissions(
            allow_all_participants="*" in identities, participant_permissions=permissions
        )

    async def features(self, sid: str, features: Sequence[int]) -> None:
        raise NotOffered

    async def publish_data(self, text: str, *, reliable: bool, topic: str = "") -> None:
        await self.room.local_participant.publish_data(text, reliable=reliable, topic=topic)

    async def send_text(self, text: str) -> None:
        await self.room.local_participant.send_text(text, topic="lk.chat")

    async def seen(self) -> dict[str, Any]:
        room, me = self.room, self.room.local_participant
        return {
            "state": _STATES[room.connection_state],
            "sid": me.sid,
            "token": getattr(room, "_token", ""),
            "recording": room.is_recording,
            "metadata": room.metadata,
            "speaking": self._speaking,
            "spoke": sorted(self._spoke),
            "mayPublish": me.permissions.can_publish,
            "me": _described(me),
            "people": {who.identity: _described(who) for who in room.remote_participants.values()},
            "events": self._events,
            "data": self._data,
            "texts": self._texts,
            "refused": self._refused,
        }

    async def received(self) -> Mapping[str, Received]:
        found: dict[str, Received] = {}
        # Copies: people and tracks come and go while the statistics are awaited.
        for person in list(self.room.remote_participants.values()):
            for sid, publication in list(person.track_publications.items()):
                if publication.track is not None:
                    found[sid] = self._received(sid, await publication.track.get_stats())
        return found

    def _received(self, sid: str, rows: Sequence[Any]) -> Received:
        mine = next((row.inbound_rtp for row in rows if row.WhichOneof("stats") == "inbound_rtp"), None)
        theirs = next(
            (r.remote_outbound_rtp for r in rows if r.WhichOneof("stats") == "remote_outbound_rtp"), None
        )
        if mine is None:
            return Received(0, 0, 0, 0, 0, 0, 0, 0.0, 0, 0.0)
        return Received(
            ssrc=mine.stream.ssrc,
            frames=mine.inbound.frames_decoded,
            keyframes=mine.inbound.key_frames_decoded,
            packets=mine.received.packets_received,
            lost=mine.received.packets_lost,
            dropped=mine.inbound.frames_dropped,
            width=self._widths.get(sid, 0),
            energy=mine.inbound.total_audio_energy,
            reported=theirs.sent.packets_sent if theirs else 0,
            reportedAt=theirs.remote_outbound.remote_timestamp if theirs else 0.0,
        )

    def _theirs(self, sid: str) -> rtc.RemoteTrackPublication:
        return next(
            person.track_publications[sid]
            for person in self.room.remote_participants.values()
            if sid in person.track_publications
        )

    # Events

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    def _subscribed(self, track: Any, publication: Any, participant: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            self._spawn(self._watch(rtc.VideoStream(track), publication.sid))
        else:
            self._spawn(_listen(rtc.AudioStream(track)))

    async def _watch(self, stream: rtc.VideoStream, sid: str) -> None:
        async for event in stream:
            self._widths[sid] = event.frame.width
        await stream.aclose()

    async def _hum(self, source: rtc.AudioSource) -> None:
        tone = [int(12_000 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(RATE // 10)]
        loud = struct.pack(f"<{len(tone)}h", *tone)  # 44 whole waves: seamless when repeated
        silence = bytes(len(loud))
        while True:
            frame = rtc.AudioFrame(silence if self._quiet else loud, RATE, 1, len(tone))
            await source.capture_frame(frame)

    def _data_received(self, packet: rtc.DataPacket) -> None:
        who = packet.participant.identity if packet.participant else ""
        self._data.append([bytes(packet.data).decode(), packet.topic or "", who])

    def _speakers(self, speakers: Sequence[rtc.Participant]) -> None:
        self._speaking = [person.identity for person in speakers]
        self._spoke.update(self._speaking)

    def _text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        async def read() -> None:
            self._texts.append([await reader.read_all(), identity])

        self._spawn(read())


def _room_options(chosen: Mapping[str, Any]) -> rtc.RoomOptions:
    encryption = None
    if secret := chosen.get("encrypted"):
        encryption = rtc.E2EEOptions(key_provider_options=rtc.KeyProviderOptions(shared_key=secret.encode()))
    return rtc.RoomOptions(
        auto_subscribe=chosen.get("autoSubscribe", True),
        dynacast=chosen.get("dynacast", False),
        encryption=encryption,
    )


def _described(person: rtc.Participant) -> dict[str, Any]:
    return {
        "sid": person.sid,
        "name": person.name,
        "metadata": person.metadata,
        "attributes": dict(person.attributes),
        "quality": person.connection_quality,
        "tracks": {
            sid: {
                "source": _SOURCES.get(each.source, ""),
                "muted": each.muted,
                "subscribed": getattr(each, "subscribed", False),
                "encrypted": each.encryption_type != rtc.EncryptionType.NONE,
                "width": each.width,
                "features": list(each.audio_features),
                "paused": None,  # a Python track keeps the state that it began with
            }
            for sid, each in person.track_publications.items()
        },
    }


def _first_text(given: Sequence[Any]) -> str:
    return next((str(each) for each in given if isinstance(each, str | int | bool)), "")


async def _film(source: rtc.VideoSource, picture: Picture) -> None:
    chroma = b"\x80" * (picture.width * picture.height // 2)
    number = 0
    while True:
        line = bytes((column // 2 + 5 * number) & 0xFF for column in range(picture.width))
        data = line * picture.height + chroma
        source.capture_frame(rtc.VideoFrame(picture.width, picture.height, rtc.VideoBufferType.I420, data))
        number += 1
        await asyncio.sleep(1 / picture.fps)


async def _listen(stream: rtc.AudioStream) -> None:
    async for _ in stream:
        pass
    await stream.aclose()
