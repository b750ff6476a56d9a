"""Looks at a recording from outside: at its rows, every millisecond, and at the lock on all writing."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import psycopg


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


class Eye(Protocol):
    """Looks at one database."""

    def look(self, recording: UUID) -> Seen: ...

    def passages(self, recording: UUID) -> int:
        """Rows of the archive's index."""

    def nobody_writes(self) -> AbstractContextManager[bool]:
        """Within the block the server comes as far as its next write, and waits there.

        Yields False where the server itself is writing for longer than a moment.
        """

    def is_being_written(self) -> bool:
        """Whether the server is inside the transaction that writes a transcript."""

    def close(self) -> None: ...


class _Looks:
    """What is asked of either database."""

    def _rows(self, sql: str, recording: UUID) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def look(self, recording: UUID) -> Seen:
        rows = self._rows(
            "SELECT name, state, stage, progress, fence FROM meetings_job WHERE subject = %s", recording
        )
        jobs = {_JOBS[name]: JobSeen(*rest) for name, *rest in rows if name in _JOBS}
        states = self._rows("SELECT state FROM meetings_recording WHERE id = %s", recording)
        transcripts = self._rows(
            "SELECT state FROM transcripts_transcript WHERE recording_id = %s", recording
        )
        return Seen(
            states[0][0] if states else "",
            jobs.get("files", _NOTHING),
            jobs.get("speech", _NOTHING),
            transcripts[0][0] if transcripts else "",
        )


class SqliteEye(_Looks):
    """On the embedded ground: SQLite has one lock on all writing."""

    def __init__(self, database: Path) -> None:
        self._database = sqlite3.connect(database, isolation_level=None, timeout=0.05)

    def close(self) -> None:
        self._database.close()

    def _rows(self, sql: str, recording: UUID) -> list[tuple[Any, ...]]:
        return self._database.execute(sql.replace("%s", "?"), (recording.hex,)).fetchall()

    def passages(self, recording: UUID) -> int:
        """Counted in both tables of the index."""
        ask = "SELECT count(passage.id), count(words.rowid) FROM archive_passage AS passage" + (
            " LEFT JOIN archive_words AS words ON words.rowid = passage.id WHERE recording = %s"
        )
        ((keys, words),) = self._rows(ask, recording)
        assert keys == words, f"{keys} passages with {words} rows of words"
        return int(keys)

    @contextmanager
    def nobody_writes(self) -> Iterator[bool]:
        held = self._try_lock(0.3)
        try:
            yield held
        finally:
            if held:
                self._database.execute("ROLLBACK")

    def is_being_written(self) -> bool:
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


class PostgresEye(_Looks):
    """On the other ground, where a lock on the table of jobs makes every worker wait at its next word."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: psycopg.Connection[tuple[Any, ...]] | None = None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None

    @property
    def _database(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Connected anew where PostgreSQL was killed meanwhile."""
        if self._open is None or self._open.closed:
            self._open = psycopg.connect(self._url, autocommit=True, connect_timeout=5)
        return self._open

    def _rows(self, sql: str, recording: UUID) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(sql, (recording,)).fetchall()
        except psycopg.OperationalError:
            self.close()
            return self._database.execute(sql, (recording,)).fetchall()

    def passages(self, recording: UUID) -> int:
        return int(self._rows("SELECT count(*) FROM archive_passage WHERE recording = %s", recording)[0][0])

    @contextmanager
    def nobody_writes(self) -> Iterator[bool]:
        database = self._database
        try:
            database.execute("BEGIN")
            database.execute("LOCK TABLE meetings_job IN SHARE ROW EXCLUSIVE MODE")
            yield True
        finally:
            with suppress(psycopg.Error):  # PostgreSQL itself may have been killed meanwhile
                database.execute("ROLLBACK")

    def is_being_written(self) -> bool:
        sql = (
            "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
            " WHERE relname = 'transcripts_revision' AND mode = 'RowExclusiveLock'"
        )
        return bool(self._database.execute(sql).fetchone()[0])  # type: ignore[index]


@contextmanager
def eye_on(connection: Any) -> Iterator[Eye]:
    """On the database that Django uses."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        eye: Eye = SqliteEye(settings["NAME"])
    else:
        eye = PostgresEye(os.environ["DATABASE_URL"])
    try:
        yield eye
    finally:
        eye.close()


def until(condition: Callable[[], bool], seconds: float, *, every: float = 0.001) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
