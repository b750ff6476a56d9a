"""What a played file holds, and when."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np

RATE, WINDOW = 8_000, 400  # 50 ms
AUDIBLE = 300


@dataclass(frozen=True)
class Played:
    """Seconds from the recording's start: of 50 ms pieces with something audible, and of pictures."""

    audible: list[float]
    pictures: list[float]

    def last_before(self, moment: float) -> float:
        """The last sound before it; minus infinity for none."""
        return max((at for at in self.audible if at <= moment), default=float("-inf"))

    def last_picture_before(self, moment: float) -> float:
        return max((at for at in self.pictures if at <= moment), default=float("-inf"))


def played(file: Path) -> Played:
    """Decodes all of it."""
    with av.open(str(file)) as media:
        pictures = [frame.time for frame in media.decode(video=0)] if media.streams.video else []
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    pieces: list[np.ndarray] = []
    begins = None
    with av.open(str(file)) as media:
        for frame in media.decode(audio=0):
            begins = frame.time if begins is None else begins
            at = round((frame.time - begins) * RATE) - sum(piece.size for piece in pieces)
            if at > RATE // 50:  # where nothing was sent, nothing is stored
                pieces.append(np.zeros(at, np.int16))
            pieces += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    sound = np.abs(np.concatenate(pieces))
    loud = [n for n in range(sound.size // WINDOW) if sound[n * WINDOW : (n + 1) * WINDOW].max() > AUDIBLE]
    return Played([(begins or 0) + (n + 1) * WINDOW / RATE for n in loud], pictures)


def recording_began(data: Path, recording: str) -> float:
    """Unix time of a recording's zero, as the database of the portal on *data* (SQLite) has it."""
    with sqlite3.connect(f"file:{data / 'visio.sqlite3'}?mode=ro", uri=True) as database:
        (row,) = database.execute(
            "select started_at from meetings_recording where id = ?", (recording.replace("-", ""),)
        )
    return datetime.fromisoformat(row[0]).replace(tzinfo=UTC).timestamp()


def rows(data: Path, table: str, where: str = "1") -> int:
    """How many rows of a table are so."""
    with sqlite3.connect(f"file:{data / 'visio.sqlite3'}?mode=ro", uri=True) as database:
        return int(database.execute(f"select count(*) from {table} where {where}").fetchone()[0])
