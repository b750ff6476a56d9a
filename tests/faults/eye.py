"""Looks at a recording from outside: at its rows, every millisecond, and at the lock on all writing."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True)
class JobSeen:
    """A job's row."""

    state: str = ""
    stage: str = ""
    progress: float = 0.0
    fence: int = 0

    @property
    def exists(self) -> bool:
        return bool(self.state)

    @property
    def untouched(self) -> bool:
        """It is there, and nobody ever took it."""
        return self.state == "queued" and self.fence == 0

    def at(self, stage: str, least: float = 0.0) -> bool:
        return self.state == "running" and self.stage == stage and self.progress >= least


@dataclass(frozen=True)
class Seen:
    """One look: the recording's state, the job that makes its files, the job that transcribes it."""

    recording: str
    files: JobSeen
    speech: JobSeen
    transcript: str

    @property
    def finished(self) -> bool:
        ended = ("ready", "unavailable", "failed")
        return self.recording == "failed" or (self.transcript in ended and self.speech.state == "done")


_NOTHING = JobSeen()
_JOBS = {"meetings.process_recording": "files", "transcripts.transcribe": "speech"}


class SqliteEye:
    """On the embedded ground."""

    def __init__(self, database: Path) -> None:
        self._database = sqlite3.connect(database, isolation_level=None, timeout=0.05)

    def close(self) -> None:
        self._database.close()

    def look(self, recording: UUID) -> Seen:
        key = recording.hex
        ask = self._database.execute
        rows = ask("SELECT name, state, stage, progress, fence FROM meetings_job WHERE subject = ?", (key,))
        jobs = {_JOBS[name]: JobSeen(*rest) for name, *rest in rows if name in _JOBS}
        (state,) = ask("SELECT state FROM meetings_recording WHERE id = ?", (key,)).fetchone() or ("",)
        transcript = ask("SELECT state FROM transcripts_transcript WHERE recording_id = ?", (key,)).fetchone()
        return Seen(
            state, jobs.get("files", _NOTHING), jobs.get("speech", _NOTHING), (transcript or ("",))[0]
        )

    def passages(self, recording: UUID) -> int:
        """Rows of the archive's index, counted in both of its tables."""
        ask = "SELECT count(passage.id), count(words.rowid) FROM archive_passage AS passage" + (
            " LEFT JOIN archive_words AS words ON words.rowid = passage.id WHERE recording = ?"
        )
        keys, words = self._database.execute(ask, (recording.hex,)).fetchone()
        assert keys == words, f"{keys} passages with {words} rows of words"
        return int(keys)

    @contextmanager
    def nobody_writes(self) -> Iterator[bool]:
        """Holds SQLite's one lock on writing: the server comes as far as its next write, and waits there.

        Yields False where the server holds it for longer than a moment.
        """
        held = self._try_lock(0.3)
        try:
            yield held
        finally:
            if held:
                self._database.execute("ROLLBACK")

    def is_being_written(self) -> bool:
        """Whether the server is inside a transaction that writes."""
        if self._try_lock(0.0):
            self._database.execute("ROLLBACK")
            return False
        return True

    def _try_lock(self, patience: float) -> bool:
        self._database.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
        try:
            self._database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        finally:
            self._database.execute("PRAGMA busy_timeout = 1000")
        return True


def until(condition: Callable[[], bool], seconds: float, *, every: float = 0.001) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
