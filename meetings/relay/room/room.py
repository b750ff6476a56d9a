"""One live room: its people, their tracks, and everything one of them must hear of another."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from livekit.protocol import models
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.rtc import (
    LeaveRequest,
    ParticipantUpdate,
    RoomUpdate,
    SignalResponse,
    SubscriptionPermission,
    TrackSubscribed,
)
from livekit.protocol.webhook import WebhookEvent

from meetings.relay.data import Message, recipients
from meetings.relay.interface import RelayLimits
from meetings.relay.participant import Context, Participant
from meetings.relay.recorder import Recorder, Recording
from meetings.relay.room.announcer import Announcer
from meetings.relay.room.dynacast import settle_layers
from meetings.relay.room.heartbeat import Heartbeat
from meetings.relay.room.reports import Reports
from meetings.relay.room.staleness import Verdict
from meetings.relay.uptrack import UpTrack

log = logging.getLogger("visio.relay")


@dataclass(frozen=True)
class RoomParts:
    """What the relay gives every room. `tell` sends a webhook."""

    context: Context
    recording: Recording
    tell: Callable[[WebhookEvent], None]


class Room:
    """`participant.Host`. Lives on the event loop; `heartbeat.run` has one owner, the registry."""

    def __init__(self, name: str, parts: RoomParts) -> None:
        self._parts = parts
        self._context = parts.context
        self.voices = next(self._context.numbers)
        limits = self.limits
        wall = self._context.clock.wall_ns()
        self.info = models.Room(
            sid=f"RM_{secrets.token_hex(6)}",
            name=name,
            empty_timeout=limits.empty_timeout,
            departure_timeout=limits.departure_timeout,
            creation_time=wall // 1_000_000_000,
            creation_time_ms=wall // 1_000_000,
        )
        self.people: dict[str, Participant] = {}
        self._reports = Reports(parts.tell, self.snapshot)
        self.recorder = Recorder(
            parts.recording,
            room=name,
            room_sid=self.info.sid,
            notify=self._reports.egress,
            changed=self._recording_changed,
        )
        self._announcer = Announcer()
        self._closing: set[asyncio.Task[None]] = set()
        self._empty_since: float | None = self._context.clock.monotonic()
        self._ever_joined = False
        self.heartbeat = Heartbeat(
            name,
            self._context.clock,
            self.people,
            self.tracks,
            self.recorder,
            self._announcer,
            self._end_stale,
            self._broadcast,
        )
        self._recording_told = False
        self._reports.room("room_started")

    @property
    def limits(self) -> RelayLimits:
        return self._context.limits

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def expired(self) -> bool:
        """True where nobody has been here for the room's timeout."""
        if self._empty_since is None:
            return False
        timeout = self.info.departure_timeout if self._ever_joined else self.info.empty_timeout
        return self._context.clock.monotonic() - self._empty_since >= timeout

    def visible(self, *, but: Participant | None = None) -> list[Participant]:
        """People whom others may see."""
        return [person for person in self.people.values() if person is not but and not person.hidden]

    def tracks(self) -> Iterable[UpTrack]:
        for person in tuple(self.people.values()):
            yield from (track for track in person.publications if track.announced)

    def snapshot(self) -> models.Room:
        """`info` with what changes all the time."""
        self.info.num_participants = len(self.visible())
        self.info.num_publishers = sum(person.info.is_publisher for person in self.visible())
        self.info.active_recording = self.recorder.active
        return self.info

    # Coming and going

    def enter(self, person: Participant) -> None:
        """Adds someone; the caller has removed whoever had the same identity."""
        self.people[person.identity] = person
        self._empty_since = None
        self._ever_joined = True

    def announce(self, person: Participant) -> None:
        """Tells the others of someone who entered, and subscribes them to what is there."""
        if not person.hidden:
            self._broadcast(person, but=person)
        self._announcer.welcome(person)
        if person.auto_subscribe:
            for track in self.tracks():
                if track.publisher != person.identity:
                    person.subscribe(track)

    def remove(
        self,
        person: Participant,
        reason: DisconnectReason,
        *,
        action: LeaveRequest.Action | None = LeaveRequest.Action.DISCONNECT,
    ) -> None:
        """Idempotent: clients key people by identity, so a sid is declared gone once, and before another
        takes its identity (relay.md, trap 4). `action` None: the client knows already."""
        if not person.present:
            return
        if action is not None:
            person.dismiss(action, reason)
        person.move(ParticipantInfo.State.DISCONNECTED)
        person.info.disconnect_reason = reason
        if self.people.get(person.identity) is person:
            del self.people[person.identity]
        person.end()
        self._announcer.left(person.sid)
        if not person.hidden:
            self._broadcast(person)
        self._reports.left(person)
        if not self.people:
            self._empty_since = self._context.clock.monotonic()
        self._spawn(person.close())
        log.info("room %s: %s left (%s)", self.name, person.identity, DisconnectReason.Name(reason))

    def _end_stale(self, person: Participant, verdict: Verdict) -> None:
        self.remove(person, verdict.reason, action=verdict.action)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("room %s: closing a participant failed", self.name, exc_info=task.exception())

    async def close(self, reason: DisconnectReason, *, goes_on: bool = False) -> None:
        """Sends everybody away and ends the recordings. Returns when all is closed.

        `goes_on`: on another relay, which has told or will tell what becomes of the room.
        """
        action = LeaveRequest.Action.DISCONNECT
        if reason == DisconnectReason.SERVER_SHUTDOWN:
            action = LeaveRequest.Action.RECONNECT  # another relay, or this one restarted, takes them in
        for person in tuple(self.people.values()):
            self.remove(person, reason, action=action)
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)
        await self.recorder.close()
        if not goes_on:
            self._reports.room("room_finished")

    # participant.Host

    def updated(self, participant: Participant) -> None:
        """Tells everyone; somebody who changes without end is told of a few times a second."""
        _list_tracks(participant)
        if not participant.present:
            return
        if participant.info.state == ParticipantInfo.State.ACTIVE:
            self._reports.connected(participant)
        if participant.updates.take(self._context.clock.monotonic()):
            self._broadcast(participant)
        else:
            participant.update_due = True

    def published(self, participant: Participant, track: UpTrack) -> None:
        _list_tracks(participant)
        participant.info.is_publisher = True
        self._reports.published(participant, track)
        # Before anybody else, so that the recording lacks nothing that others heard.
        self.recorder.published(track)
        self.updated(participant)
        for other in self.people.values():
            if other is not participant and other.auto_subscribe:
                other.subscribe(track)

    def unpublished(self, participant: Participant, track: UpTrack) -> None:
        self.recorder.unpublished(track)
        for other in self.people.values():
            other.unsubscribe(track)
        self.updated(participant)
        self._reports.unpublished(participant, track)

    def muted(self, participant: Participant, track: UpTrack) -> None:
        if track.muted and not track.is_video:
            self._announcer.silenced(participant.sid)
        self.recorder.muted(track)
        self.updated(participant)

    def data(self, participant: Participant, message: Message) -> None:
        self.distribute(message, sender=participant)

    def heard(self, participant: Participant, level: int, now: float) -> None:
        self._announcer.heard(participant.sid, level, now)

    def spoke_at(self, sid: str) -> float:
        return self._announcer.spoke_at(sid)

    def may_watch(self, participant: Participant, track: UpTrack) -> bool:
        publisher = self.people.get(track.publisher)
        return publisher is None or publisher.audience.allows(participant.identity, track.info.sid)

    def audience_chosen(self, participant: Participant, wish: SubscriptionPermission) -> None:
        identities = {person.sid: person.identity for person in self.people.values()}
        participant.audience.choose(wish, identities, limit=self.limits.participants)
        for track in participant.publications:
            for other in self.people.values():
                if track.announced and other is not participant:
                    other.reconsider(track)

    def find_track(self, sid: str) -> UpTrack | None:
        return next((track for track in self.tracks() if track.info.sid == sid), None)

    def subscribed(self, track: UpTrack) -> None:
        publisher = self.people.get(track.publisher)
        if publisher is not None:
            publisher.send(SignalResponse(track_subscribed=TrackSubscribed(track_sid=track.info.sid)))
        self.watched(track)

    def watched(self, track: UpTrack) -> None:
        settle_layers(track, self.people, self.recorder, raise_only=True)

    def sender_report(self, track: UpTrack, rid: str) -> None:
        self.recorder.sender_report(track, rid)

    # To everyone

    def distribute(self, message: Message, *, sender: Participant | None) -> None:
        """Sends a data message to whom it is for."""
        for person in recipients(message, self.people.values(), sender=sender):
            person.peer.send_message(message.label, message.data)

    def update(self) -> None:
        """Tells everyone the room's state."""
        message = SignalResponse(room_update=RoomUpdate(room=self.snapshot())).SerializeToString()
        for person in self.people.values():
            person.send_packed(message)

    def _broadcast(self, person: Participant, *, but: Participant | None = None) -> None:
        person.info.version += 1
        person.update_due = False
        message = SignalResponse(update=ParticipantUpdate(participants=[person.info])).SerializeToString()
        for other in tuple(self.people.values()):
            if other is not but and (other is person or not person.hidden):
                other.send_packed(message)

    def _recording_changed(self) -> None:
        if self._recording_told != self.recorder.active:
            self._recording_told = self.recorder.active
            self.update()
        for track in self.tracks():
            self.watched(track)


def _list_tracks(person: Participant) -> None:
    """Protobuf lists hold copies: what changed in a track must be put there again."""
    del person.info.tracks[:]
    person.info.tracks.extend(track.info for track in person.publications if track.announced)
