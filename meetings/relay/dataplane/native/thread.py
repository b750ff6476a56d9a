"""The thread's handle: commands that are never lost, events in batches, its end."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from meetings.relay.dataplane.native.binding import (
    COUNTERS,
    INVALID,
    RING_FULL,
    RUNNING,
    SIZES,
    ffi,
    srtp_functions,
)
from meetings.relay.dataplane.native.records import Record, records

log = logging.getLogger("visio.relay")

# What the thread's rings are called in `plane_read`.
EVENTS, STRANGERS, TAPS = range(3)
# A hundred packets at a time: other work of the event loop comes in between.
_BUFFER: Final = 128 * 1024
_LONGEST: Final = 4 * 1024  # a record is shorter
_RETRY: Final = 0.002


class NativeThread:
    """Runs from construction until `stop`. `on_record` takes what it tells; `on_end(reason)` its failure.

    Raises OSError where the thread cannot be started.
    """

    def __init__(
        self,
        lib: Any,
        sockets: tuple[int, int],
        *,
        gso: bool,
        voices: int,
        on_record: Callable[[Record], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._lib, self._on_record, self._on_end = lib, on_record, on_end
        self.plane = lib.plane_new(*sockets, srtp_functions(), int(gso), voices)
        if not self.plane:
            raise OSError("the data plane's thread could not be started")
        self._waiting: deque[tuple[Callable[..., int], tuple[Any, ...]]] = deque()
        self._buffer = ffi.new("char[]", _BUFFER)
        self._counted = ffi.new("plane_counters_record *")
        self._loop = asyncio.get_running_loop()
        self._fd: int = lib.plane_event_fd(self.plane)
        self._loop.add_reader(self._fd, self._readable)
        self.ended = False

    def stop(self) -> None:
        """Returns once the thread has ended: nothing that was handed over is in use any more."""
        self._loop.remove_reader(self._fd)
        self.ended = True
        while self._waiting and self._lib.plane_state(self.plane) == RUNNING:
            self._repeat()
        self._waiting.clear()
        self._lib.plane_free(self.plane)
        self.plane = ffi.NULL

    def ask(self, command: Callable[..., int], *arguments: Any) -> None:
        """Hands a command over, now or when there is room for it, in order."""
        if self.ended:
            return
        if self._waiting:
            self._waiting.append((command, arguments))
            return
        outcome = command(self.plane, *arguments)
        if outcome == RING_FULL:
            self._waiting.append((command, arguments))
            self._loop.call_later(_RETRY, self._retry)
        elif outcome == INVALID:
            log.error("the data plane was given something that cannot be: %s", arguments)

    def _retry(self) -> None:
        if self.ended:
            return
        self._repeat()
        if self._waiting:
            self._loop.call_later(_RETRY, self._retry)

    def _repeat(self) -> None:
        while self._waiting:
            command, arguments = self._waiting[0]
            if command(self.plane, *arguments) == RING_FULL:
                return
            self._waiting.popleft()

    def counters(self) -> dict[str, int]:
        """Of the thread and its rings; those of `SIZES` tell how much there is now."""
        refused = self._lib.plane_counters(self.plane, self._counted)
        counted = {name: int(getattr(self._counted, name)) for name in (*COUNTERS, *SIZES)}
        return counted | {"commands_deferred": int(refused)}

    # What it tells

    def _readable(self) -> None:
        if self.ended:
            return
        self._lib.plane_clear(self.plane)
        self._read_some()

    def _read_some(self) -> None:
        if self.ended:
            return
        # What is recorded comes first, what anybody may send last; each gets as much as the others.
        more = [self.read(which) for which in (TAPS, EVENTS, STRANGERS)]
        if any(more) and not self.ended:
            self._loop.call_soon(self._read_some)
        elif self._lib.plane_state(self.plane) != RUNNING:
            self._end()

    def read(self, which: int) -> bool:
        """Takes what a ring holds, as far as it finds room in one buffer; True where there may be more."""
        length = self._lib.plane_read(self.plane, which, self._buffer, _BUFFER)
        for record in records(ffi.unpack(self._buffer, length) if length else b""):
            try:
                self._on_record(record)
            except Exception:
                log.exception("a packet could not be handled")
        return int(length) > _BUFFER - _LONGEST

    def _end(self) -> None:
        self.ended = True
        self._loop.remove_reader(self._fd)
        length = self._lib.plane_failure(self.plane, self._buffer, _BUFFER)
        reason = ffi.unpack(self._buffer, length).decode(errors="replace") if length else "it stopped"
        self._on_end(reason)
