"""From a recording's encrypted record logs to files that people can play."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from meetings import jobs
from meetings.models import MediaContent, MediaFile, Recording, RecordingState
from meetings.recording.errors import RecordLogError
from meetings.recording.log import TrackHeader, read_log
from meetings.recording.mix import mix_sound
from meetings.recording.timeline import Timeline
from meetings.recording.webm import MediaInfo, remux_participant
from meetings.services import recording as recordings
from meetings.services import storage
from meetings.services.outbox import Lease, Work

log = logging.getLogger("visio.processing")

_SHORTEST = 0.5  # seconds: below this nothing can be played


Progress = Callable[[float], None]


@dataclass(frozen=True)
class _Show:
    """What one file is to show: whose, and their camera or their screen."""

    identity: str
    content: MediaContent


@dataclass(frozen=True)
class TrackLog:
    """One readable record log."""

    path: Path
    header: TrackHeader


def timeline_of(recording: Recording) -> Timeline:
    """The recording's common time axis: zero is the host's start."""
    ended = recording.stopped_at or timezone.now()
    duration = max(_SHORTEST, (ended - recording.started_at).total_seconds())
    return Timeline(started_wall_ns=int(recording.started_at.timestamp() * 1e9), duration=duration)


def track_logs(recording: Recording, key: bytes) -> list[TrackLog]:
    """The recording's logs; one that cannot be read is left where it is, and said in the log."""
    found = []
    for path in recordings.logs_of(recording):
        try:
            found.append(TrackLog(path, read_log(path, key).header))
        except RecordLogError as error:
            log.error("record log %s cannot be read: %s", path, error)
    return found


def _perform(lease: Lease) -> None:
    recording = Recording.objects.select_related("meeting").filter(id=lease.subject).first()
    if recording is None:  # deleted with its meeting since
        with lease.outcome():
            return
    key = storage.key_unseal(recording)
    timeline = timeline_of(recording)
    tracks = track_logs(recording, key)
    files = _Production(recording, key, timeline, lease).files(tracks)
    with lease.outcome():
        MediaFile.objects.filter(recording=recording).delete()
        MediaFile.objects.bulk_create(files)
        Recording.objects.filter(id=recording.id).update(
            state=RecordingState.READY,
            duration=timeline.duration,
            error="" if tracks else "Nobody's microphone or camera was on while this was recorded.",
        )
        jobs.enqueue(jobs.TRANSCRIBE, recording.id)


def _give_up(recording_id: UUID, error: str) -> None:
    Recording.objects.filter(id=recording_id).update(
        state=RecordingState.FAILED,
        error=f"The recording is kept, but could not be made playable: {error}",
    )


WORK = Work(perform=_perform, give_up=_give_up)


@dataclass(frozen=True)
class _Production:
    """Making the files of one recording, with progress over all of them."""

    recording: Recording
    key: bytes
    timeline: Timeline
    lease: Lease

    def files(self, tracks: Sequence[TrackLog]) -> list[MediaFile]:
        shows = _by_show(tracks)
        steps = len(shows) + 1
        made = [
            self._show(show, logs, self._progress("remuxing", index, steps))
            for index, (show, logs) in enumerate(shows.items())
        ]
        sounds = [track.path for track in tracks if track.header.kind == "audio"]
        if sounds:
            made.append(self._mix(sounds, self._progress("mixing", len(shows), steps)))
        return made

    def _show(self, show: _Show, logs: Sequence[TrackLog], progress: Progress) -> MediaFile:
        out = self._folder() / f"{show.identity}-{show.content.value}.webm"
        paths = [track.path for track in logs]
        info = remux_participant(paths, self.key, self.timeline, out, progress)
        return self._row(out, info, show, logs[0].header.participant_name)

    def _mix(self, sounds: Sequence[Path], progress: Progress) -> MediaFile:
        out = self._folder() / "mix.webm"
        info = mix_sound(sounds, self.key, self.timeline, out, progress)
        return self._row(out, info, _Show("", MediaContent.MIX), "")

    def _row(self, out: Path, info: MediaInfo, show: _Show, name: str) -> MediaFile:
        return MediaFile(
            ministry_id=self.recording.ministry_id,
            recording=self.recording,
            content=show.content,
            identity=show.identity,
            name=name,
            path=str(out.relative_to(settings.RECORDINGS_DIR)),
            has_video=info.has_video,
            duration=info.duration,
            bytes=info.size_bytes,
        )

    def _folder(self) -> Path:
        return storage.recording_folder(self.recording)

    def _progress(self, stage: str, done: int, steps: int) -> Progress:
        return lambda fraction: self.lease.progress(stage, (done + fraction) / steps)


def _by_show(tracks: Sequence[TrackLog]) -> dict[_Show, list[TrackLog]]:
    """Logs that belong into one file: a player shows only one picture and plays one sound of a file."""
    shows: dict[_Show, list[TrackLog]] = defaultdict(list)
    for track in tracks:
        screen = track.header.source.startswith("screen")
        content = MediaContent.SCREEN if screen else MediaContent.PERSON
        shows[_Show(track.header.participant_identity, content)].append(track)
    return shows
