"""Disk writes, away from the event loop: one thread, one bounded queue."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meetings.recording.log import RecordLogWriter, TrackHeader

log = logging.getLogger("visio.relay")

# A crash loses at most this much (seconds) plus what the kernel had not written.
FLUSH_INTERVAL: Final = 0.5


@dataclass(frozen=True)
class Outcome:
    """How a log ended. `size` in bytes; `error` is empty where all went well."""

    path: Path | None
    size: int
    error: str


class LogFile:
    """One track's log. Created on the event loop, used by the writer thread alone."""

    def __init__(self, directory: Path, name: str, key: bytes, header: TrackHeader) -> None:
        self._directory, self._name, self._key, self._header = directory, name, key, header
        self.path: Path | None = None
        self.writer: RecordLogWriter | None = None
        self.error = ""

    def open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        self.path = self._free_path()
        self.writer = RecordLogWriter(self.path, self._key, self._header)

    def _free_path(self) -> Path:
        """A track recorded twice under one prefix gets a second file: a log is never continued."""
        number = 1
        while True:
            suffix = "" if number == 1 else f"-{number}"
            path = self._directory / f"{self._name}{suffix}.vlog"
            if not path.exists():
                return path
            number += 1

    def outcome(self) -> Outcome:
        size = self.path.stat().st_size if self.path is not None and self.path.exists() else 0
        return Outcome(self.path, size, self.error)


Work = Callable[[RecordLogWriter], None]


class WriterThread:
    """Writes all logs of a relay. Packets beyond `limit` waiting are dropped and counted in `dropped`;
    opening and closing never is."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._queue: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()
        self._files: set[LogFile] = set()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="visio-recorder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Writes what is queued, closes what is open, and waits for the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def open(self, file: LogFile, opened: Callable[[str], None]) -> None:
        """`opened(error)` is called in the thread."""

        def job() -> None:
            self._guarded(file, file.open)
            self._files.add(file)
            opened(file.error)

        self._put(job)

    def write(self, file: LogFile, work: Work) -> bool:
        """False where the queue is full and the record was dropped."""
        if len(self._queue) >= self._limit:
            self.dropped += 1
            return False

        def job() -> None:
            writer = file.writer
            if writer is not None and not file.error:
                self._guarded(file, lambda: work(writer))

        self._put(job)
        return True

    def close(self, file: LogFile, closed: Callable[[Outcome], None], *, ended_ns: int = 0) -> None:
        """`closed(outcome)` is called in the thread after everything queued before is on disk."""

        def job() -> None:
            self._finish(file, ended_ns)
            closed(file.outcome())

        self._put(job)

    def _put(self, job: Callable[[], None]) -> None:
        with self._wake:
            self._queue.append(job)
            if len(self._queue) == 1:
                self._wake.notify()

    def _guarded(self, file: LogFile, action: Callable[[], None]) -> None:
        """A full disk ends one log, with its reason kept, and no other."""
        try:
            action()
        except Exception as error:
            if not file.error:
                file.error = f"{type(error).__name__}: {error}"
                log.error("recording to %s ended: %s", file.path, file.error)

    def _finish(self, file: LogFile, ended_ns: int = 0) -> None:
        self._files.discard(file)
        writer = file.writer
        if writer is not None:
            self._guarded(file, lambda: writer.close(ended_ns))
            file.writer = None

    def _run(self) -> None:
        flushed = time.monotonic()
        while True:
            with self._wake:
                if not self._queue and not self._stopping:
                    self._wake.wait(FLUSH_INTERVAL)
                stopping = self._stopping
            while self._queue:
                self._one(self._queue.popleft())
                if time.monotonic() - flushed >= FLUSH_INTERVAL:
                    break
            if time.monotonic() - flushed >= FLUSH_INTERVAL:
                flushed = time.monotonic()
                self._flush()
            if stopping and not self._queue:
                for file in tuple(self._files):
                    self._finish(file)
                return

    def _one(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            log.exception("the recorder's thread met an error")

    def _flush(self) -> None:
        for file in self._files:
            if file.writer is not None and not file.error:
                self._guarded(file, file.writer.flush)
