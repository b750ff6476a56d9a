"""Signalling into a real relay without media: the join request, then messages of a client beside another one.

The input is a string of messages, each behind three bytes of length. The first is the JoinRequest.
"""

import asyncio
import base64
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from livekit.protocol.models import DisconnectReason, TrackSource, TrackType
from livekit.protocol.rtc import (
    AddTrackRequest,
    JoinRequest,
    LeaveRequest,
    MuteTrackRequest,
    Ping,
    SessionDescription,
    SignalRequest,
    SubscriptionPermission,
    SyncState,
    TrickleRequest,
    UpdateLocalAudioTrack,
    UpdateLocalVideoTrack,
    UpdateParticipantMetadata,
    UpdateSubscription,
    UpdateTrackSettings,
    UpdateVideoLayers,
    WrappedJoinRequest,
)

from meetings.relay.errors import Refused
from meetings.relay.interface import RelayLimits
from meetings.relay.participant import Participant
from meetings.relay.server import Relay, RelayConfig
from tests.meetings.relay.adapter import KEY, SECRET, OpenPortal
from tests.meetings.relay.stage import Client, token
from tests.peers.descriptions import Description, Section

_MOST_MESSAGES = 12
_LONGEST_ANSWER = 1 << 20


class _Alarm(logging.Handler):
    """An error in the relay's log is what it caught and could not foresee."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.rung: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.rung.append(self.format(record))


class _Scene:
    """One loop and one relay for all inputs; each input has its own room."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.alarm = _Alarm()
        logger = logging.getLogger("visio.relay")
        logger.addHandler(self.alarm)
        logger.propagate = False
        self._folder = folder = Path(tempfile.mkdtemp(prefix="visio-fuzz-"))
        limits = RelayLimits(linger=0.0, departure_timeout=0, tracks=4, join_burst=1 << 30)
        config = RelayConfig(KEY, SECRET, ("127.0.0.1",), folder, bind="127.0.0.1", limits=limits)
        self.relay = Relay(config, OpenPortal())
        self.bearers = {name: token(name, exp=4_000_000_000) for name in ("ann", "ben")}
        self.loop.run_until_complete(self.relay._plane.start())

    def end(self) -> None:
        self.loop.run_until_complete(self.relay._plane.stop())
        self.loop.close()
        shutil.rmtree(self._folder)
        logging.getLogger("visio.relay").removeHandler(self.alarm)

    def play(self, data: bytes) -> None:
        self.loop.run_until_complete(self._play(messages(data)))
        assert not self.alarm.rung, self.alarm.rung.pop()

    async def _play(self, sent: list[bytes]) -> None:
        ben = await Client(self.relay).join(self.bearers["ben"])
        ann = Client(self.relay)
        wrapped = WrappedJoinRequest(join_request=sent[0] if sent else b"")
        request = base64.urlsafe_b64encode(wrapped.SerializeToString()).decode() if sent else "%"
        try:
            ann.session = await self.relay.join(
                token=self.bearers["ann"], join_request=request, send=ann._send, close=ann._close
            )
        except Refused:
            pass
        else:
            for message in sent[1:]:
                await ann.session.receive(message)
        for person in self._people():
            person.tick(self.relay.clock.monotonic() + 1)
        await ben.say(ping=1)
        assert ben.kinds()[-1] == "pong", "the other one is not served any more"
        assert sum(message.ByteSize() for message in ann.heard + ben.heard) < _LONGEST_ANSWER
        await self._clear()

    def _people(self) -> list[Participant]:
        return [person for room in self.relay._rooms for person in tuple(room.people.values())]

    async def _clear(self) -> None:
        for room in self.relay._rooms:
            await self.relay._rooms.end(room, DisconnectReason.ROOM_DELETED)
        assert not any(self.relay.census().values()), self.relay.census()


_scene: list[_Scene] = []


def run(data: bytes) -> None:
    if not _scene:
        _scene.append(_Scene())
    _scene[0].play(data)


def close() -> None:
    """Ends the relay and the loop, if there were any."""
    while _scene:
        _scene.pop().end()


def messages(data: bytes) -> list[bytes]:
    found, position = [], 0
    while position + 3 <= len(data) and len(found) < _MOST_MESSAGES:
        size = int.from_bytes(data[position : position + 3], "big") % 65_537
        found.append(data[position + 3 : position + 3 + size])
        position += 3 + size
    return found


def _packed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(3, "big") + part for part in parts)


def seeds() -> Iterator[bytes]:
    def said(**fields: object) -> bytes:
        return SignalRequest(**fields).SerializeToString()  # type: ignore[arg-type]

    ours = Description(sections=[Section("audio"), Section("video"), Section("data")])
    first = SessionDescription(type="offer", sdp=ours.offer("frag", "password", "AB"), id=1)
    ours.sections += [Section("audio", "sendonly", "mic", 7), Section("video", "sendonly", "cam", 8)]
    second = SessionDescription(type="offer", sdp=ours.offer("frag", "password", "AB"), id=2)
    microphone = AddTrackRequest(cid="mic", type=TrackType.AUDIO, source=TrackSource.MICROPHONE)
    camera = AddTrackRequest(
        cid="cam", type=TrackType.VIDEO, source=TrackSource.CAMERA, width=320, height=180
    )
    join = JoinRequest(publisher_offer=first, add_track_requests=[microphone]).SerializeToString()
    yield _packed(join, said(add_track=camera), said(offer=second), said(leave=LeaveRequest()))
    plain = JoinRequest().SerializeToString() or JoinRequest(metadata="m").SerializeToString()
    yield _packed(
        plain,
        said(add_track=microphone),
        said(mute=MuteTrackRequest(sid="TR_x", muted=True)),
        said(update_metadata=UpdateParticipantMetadata(name="n", metadata="m", attributes={"a": "b"})),
        said(subscription_permission=SubscriptionPermission(all_participants=True)),
        said(update_layers=UpdateVideoLayers(track_sid="TR_x")),
        said(update_audio_track=UpdateLocalAudioTrack(track_sid="TR_x", features=[1])),
        said(update_video_track=UpdateLocalVideoTrack(track_sid="TR_x", width=1, height=1)),
        said(ping=5),
        said(ping_req=Ping(timestamp=1, rtt=2)),
    )
    yield _packed(
        plain,
        said(subscription=UpdateSubscription(track_sids=["TR_x"], subscribe=True)),
        said(track_setting=UpdateTrackSettings(track_sids=["TR_x"], disabled=True, width=1, height=1)),
        said(sync_state=SyncState(subscription=UpdateSubscription(track_sids=["TR_x"]))),
        said(trickle=TrickleRequest(candidateInit="{}")),
    )
    yield _packed(JoinRequest(reconnect=True, participant_sid="PA_x").SerializeToString())
