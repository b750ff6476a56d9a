"""A recording's voices as plain sound files, for as long as a recogniser needs them."""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from meetings.models import Recording
from meetings.recording.clocks import TrackReadings, fit_clock, read_clock_readings
from meetings.recording.errors import RecordingError
from meetings.recording.sound import decode_track, write_wav
from meetings.recording.timeline import Timeline
from meetings.services import processing, storage
from meetings.services.recording import logs_of
from transcripts.engines.base import SAMPLE_RATE
from transcripts.pipeline.transcribe import TrackSound

log = logging.getLogger("visio.transcripts")

_KIND = "speech"


@dataclass(frozen=True)
class Voices:
    """The tracks that can be heard, and how many cannot: their record logs are damaged."""

    tracks: tuple[TrackSound, ...]
    unreadable: int


@contextmanager
def speech_folder(recording: Recording, attempt: int) -> Iterator[Path]:
    """A folder for unencrypted sound within the recording's own: it goes with the meeting at the latest.

    Removed afterwards; what an earlier attempt left behind when it was killed is removed first.
    """
    folder = storage.attempt_folder(recording, _KIND, attempt)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def leftovers_remove(recording: Recording) -> None:
    """Removes the unencrypted sound that a killed attempt left behind."""
    storage.attempts_remove(recording, _KIND)


def voices_decode(*, recording: Recording, folder: Path, progress: Callable[[float], None]) -> Voices:
    """Decodes every sound track of the recording into a 16 kHz WAV file on the common timeline.

    A person who came back, or shared a screen with sound, has several tracks under one identity.
    """
    key = storage.key_unseal(recording)
    logs = processing.track_logs(recording, key)
    timeline = processing.timeline_of(recording, logs)
    unreadable = len(logs_of(recording)) - len(logs)
    sounds = [track.path for track in logs if track.header.kind == "audio"]
    readings = {path: read for path in sounds if (read := _readings(path, key, timeline)) is not None}
    tracks: list[TrackSound] = []
    for done, (path, own) in enumerate(readings.items()):
        out = folder / f"{path.stem}.wav"
        clock = fit_clock(own, list(readings.values()))
        try:
            write_wav(out, decode_track(path, key, timeline, rate=SAMPLE_RATE, clock=clock), SAMPLE_RATE)
        except RecordingError as error:
            log.error("track %s cannot be heard: %s", path.name, error)
            continue
        header = own.header
        tracks.append(TrackSound(out, header.participant_identity, header.participant_name, 0.0))
        progress((done + 1) / len(readings))
    return Voices(tuple(tracks), unreadable + len(sounds) - len(tracks))


def _readings(path: Path, key: bytes, timeline: Timeline) -> TrackReadings | None:
    try:
        return read_clock_readings(path, key, timeline)
    except RecordingError as error:
        log.error("track %s cannot be placed in time: %s", path.name, error)
        return None
