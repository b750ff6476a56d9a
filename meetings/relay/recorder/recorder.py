"""Which tracks of a room are recorded, and what the world is told about it."""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from livekit.protocol.egress import EgressInfo, EgressStatus

from meetings.relay.errors import RelayError
from meetings.relay.interface import Clock
from meetings.relay.plane import DataPlane
from meetings.relay.recorder.egress import TrackEgress
from meetings.relay.recorder.steady import SteadyClock
from meetings.relay.recorder.writing import LogFile, Outcome, WriterThread
from meetings.relay.uptrack import UpTrack

log = logging.getLogger("visio.relay")

# Up to eight plain names: none is empty or begins with a dot, so nothing can leave the recordings' folder.
_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9_-]{0,99}){0,7}")
_KEY_BYTES: Final = 32
_HISTORY: Final = 500

Result = TypeVar("Result")
KeyOf = Callable[[str, str], Awaitable[bytes]]


class RecordingRefused(RelayError):
    """The track is recorded already, or the prefix is not made of plain names."""


@dataclass(frozen=True)
class Recording:
    """The relay's parts that recorders need. `key_of(room, egress_id)`: 32 bytes, in `patience` seconds."""

    directory: Path
    writer: WriterThread
    plane: DataPlane
    clock: Clock
    key_of: KeyOf
    patience: float = 10.0


class Recorder:
    """One room's recorder. `notify(event, info)` for webhooks; `changed()`: recording began or ended."""

    def __init__(
        self,
        recording: Recording,
        *,
        room: str,
        room_sid: str,
        notify: Callable[[str, EgressInfo], None],
        changed: Callable[[], None],
    ) -> None:
        self._recording, self._room, self._room_sid = recording, room, room_sid
        self._notify, self._changed = notify, changed
        self._steady = SteadyClock(recording.clock)
        self._automatic: str | None = None
        self._running: dict[str, TrackEgress] = {}
        self._ended: deque[EgressInfo] = deque(maxlen=_HISTORY)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def active(self) -> bool:
        """True while anything is recorded, or would be as soon as it is published."""
        return self._automatic is not None or any(egress.active for egress in self._running.values())

    def infos(self) -> list[EgressInfo]:
        return [*(egress.info for egress in self._running.values()), *self._ended]

    def demand(self, track: UpTrack) -> list[int | None]:
        """Which layers of a track the recorder wants."""
        return [egress.demand() for egress in self._of(track)]

    # Commands

    def record_all(self, prefix: str, tracks: Iterable[UpTrack]) -> None:
        """Every track, present and to come. Raises RecordingRefused."""
        _check_prefix(prefix)
        self._set_the_clock()
        self._automatic = prefix
        for track in tracks:
            self.published(track)
        self._changed()

    def stop_all(self) -> None:
        self._automatic = None
        for egress_id in tuple(self._running):
            self.stop(egress_id)
        self._changed()

    def start(self, track: UpTrack, prefix: str) -> EgressInfo:
        """Attaches to a track at once; the file follows as soon as its key is there."""
        _check_prefix(prefix)
        if any(egress.active for egress in self._of(track)):
            raise RecordingRefused(f"track {track.info.sid} is being recorded")
        if self._automatic is None:
            self._set_the_clock()
        egress = TrackEgress(
            track,
            room=self._room,
            room_sid=self._room_sid,
            prefix=prefix,
            clock=self._steady,
            request_keyframe=partial(self._recording.plane.request_keyframe, track.transport),
        )
        self._running[egress.info.egress_id] = egress
        self._recording.plane.tap(track.number, egress)
        egress.tick(self._recording.clock.monotonic())
        self._notify("egress_started", egress.info)
        self._spawn(self._open(egress))
        self._changed()
        return egress.info

    def stop(self, egress_id: str) -> EgressInfo | None:
        """Ends one recording; None where no such one runs."""
        egress = self._running.get(egress_id)
        if egress is None:
            return None
        if not egress.ended:
            self._recording.plane.untap(egress.up.number, egress)
            egress.info.status = EgressStatus.EGRESS_ENDING
            self._spawn(self._close(egress))
            self._changed()
        return egress.info

    # What happens in the room

    def published(self, track: UpTrack) -> None:
        """Called before the track's first packet is forwarded."""
        if self._automatic is not None and not any(egress.active for egress in self._of(track)):
            self.start(track, self._automatic)

    def unpublished(self, track: UpTrack) -> None:
        for egress in self._of(track):
            self.stop(egress.info.egress_id)

    def muted(self, track: UpTrack) -> None:
        for egress in self._of(track):
            egress.muted(track.muted)

    def sender_report(self, track: UpTrack, rid: str) -> None:
        now = self._recording.clock.monotonic()
        for egress in self._of(track):
            egress.sender_report(rid, now)

    def tick(self, now: float) -> None:
        for egress in tuple(self._running.values()):
            egress.tick(now)
            if egress.broken:
                # Told at once, not when the meeting is over: the host may still do something about it.
                self.stop(egress.info.egress_id)
                if self._automatic is not None and not any(
                    egress.active for egress in self._running.values()
                ):
                    log.error("room %s: nothing can be recorded any more, the recording ends", self._room)
                    self.stop_all()

    async def close(self) -> None:
        """Ends everything and waits until it is on disk."""
        self.stop_all()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _set_the_clock(self) -> None:
        """To the machine's, where nothing is being recorded that counts by it."""
        if not self._running:
            self._steady = SteadyClock(self._recording.clock)

    # Files

    def _of(self, track: UpTrack) -> list[TrackEgress]:
        return [egress for egress in self._running.values() if egress.up is track]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, egress: TrackEgress) -> None:
        recording, info = self._recording, egress.info
        try:
            async with asyncio.timeout(recording.patience):
                key = await recording.key_of(self._room, info.egress_id)
            if len(key) != _KEY_BYTES:
                raise ValueError(f"a recording key of {len(key)} bytes")
        except Exception as error:
            log.exception("egress %s: no key", info.egress_id)
            info.error = f"no recording key: {type(error).__name__}"
            self.stop(info.egress_id)
            return
        if egress.ended:
            return
        file = LogFile(recording.directory / egress.prefix, egress.up.info.sid, key, egress.header())
        opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        recording.writer.open(file, _from_thread(opened))
        egress.opened(recording.writer, file)
        if await opened:
            self.stop(info.egress_id)
        elif info.status == EgressStatus.EGRESS_STARTING:
            info.status = EgressStatus.EGRESS_ACTIVE
            info.updated_at = self._steady.wall_ns()
            self._notify("egress_updated", info)

    async def _close(self, egress: TrackEgress) -> None:
        closed: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        egress.close(_from_thread(closed))
        egress.finished(await closed)
        del self._running[egress.info.egress_id]
        self._ended.append(egress.info)
        self._notify("egress_ended", egress.info)
        self._changed()


def _check_prefix(prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise RecordingRefused("the file path must be made of plain names")


def _from_thread(future: "asyncio.Future[Result]") -> Callable[[Result], None]:
    """A callback for another thread that resolves `future` on its loop."""
    loop = future.get_loop()

    def resolve(result: Result) -> None:
        if not future.done():
            future.set_result(result)

    def callback(result: Result) -> None:
        loop.call_soon_threadsafe(resolve, result)

    return callback
