"""From a recording's encrypted record logs to files that people can play."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_noop

from meetings import jobs
from meetings.models import MediaFile, Recording, RecordingState
from meetings.recording.errors import RecordLogError
from meetings.recording.log import read_log
from meetings.recording.timeline import Timeline
from meetings.services import recording as recordings
from meetings.services import storage
from meetings.services.outbox import Lease, Work
from meetings.services.production import Production, TrackLog

log = logging.getLogger("visio.processing")

_SHORTEST = 0.5  # seconds: below this nothing can be played
_SILENCE_AT_END = 15.0  # seconds kept after the last packet of all tracks
_KIND = "files"

NOBODY_WAS_ON = gettext_noop("Nobody's microphone or camera was on while this was recorded.")
SOMETHING_IS_MISSING = gettext_noop(
    "Some of what was recorded could not be made playable and is missing here. The recording itself is kept."
)


CUT_SHORT = gettext_noop(
    "The server could not write any more while this was recorded: its disk was full or failed. What was said"
    " after that is missing."
)


def timeline_of(recording: Recording, tracks: Sequence[TrackLog]) -> Timeline:
    """The recording's common time axis: zero is the host's start.

    It ends when the row says it was stopped, if the logs bear that out. They know better after a power cut,
    when the end was noticed days later, and where the machine's clock was set meanwhile: nothing recorded is
    cut off, and there is not more than a moment of silence after it.
    """
    ended = recording.stopped_at or timezone.now()
    duration = (ended - recording.started_at).total_seconds()
    started_ns = int(recording.started_at.timestamp() * 1e9)
    if tracks:
        heard = max(track.ended_wall_ns - started_ns for track in tracks) / 1e9
        duration = min(max(duration, heard), heard + _SILENCE_AT_END)
    return Timeline(started_wall_ns=started_ns, duration=max(_SHORTEST, duration))


def track_logs(recording: Recording, key: bytes) -> list[TrackLog]:
    """The recording's logs; one that cannot be read is left where it is, and said in the log."""
    found = []
    for path in recordings.logs_of(recording):
        try:
            opened = read_log(path, key)
            found.append(TrackLog(path, opened.header, opened.ended_wall_ns))
        except (RecordLogError, OSError) as error:
            log.error("record log %s cannot be read: %s", path, error)
    return found


def _perform(lease: Lease) -> None:
    recording = Recording.objects.select_related("meeting").filter(id=lease.subject).first()
    if recording is None:  # deleted with its meeting since
        with lease.outcome():
            return
    with _folder_for(recording, lease) as folder:
        _produce(recording, lease, folder)


@contextmanager
def _folder_for(recording: Recording, lease: Lease) -> Iterator[Path]:
    """Where this attempt writes; what it wrote goes where it fails."""
    in_use = {Path(file.path).parent.name for file in MediaFile.objects.filter(recording=recording)}
    folder = storage.attempt_folder(recording, _KIND, lease.fence, keep=in_use)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _produce(recording: Recording, lease: Lease, folder: Path) -> None:
    key = storage.key_unseal(recording)
    tracks = track_logs(recording, key)
    timeline = timeline_of(recording, tracks)
    unreadable = len(recordings.logs_of(recording)) - len(tracks)
    production = Production(recording, key, timeline, lease, folder)
    files = production.files(tracks)
    with lease.outcome():
        MediaFile.objects.filter(recording=recording).delete()
        MediaFile.objects.bulk_create(files)
        Recording.objects.filter(id=recording.id).update(
            state=RecordingState.READY,
            duration=timeline.duration,
            error=_remark(
                files=len(files),
                missing=unreadable + len(production.left_out),
                cut_short=recording.tracks.exclude(error="").exists(),
            ),
        )
        jobs.enqueue(jobs.TRANSCRIBE, recording.id)


def _remark(*, files: int, missing: int, cut_short: bool) -> str:
    """What people should know of a recording that was processed."""
    if cut_short:
        return CUT_SHORT
    if missing:
        return SOMETHING_IS_MISSING
    return "" if files else NOBODY_WAS_ON


def _give_up(recording_id: UUID, error: str) -> None:
    Recording.objects.filter(id=recording_id).update(
        state=RecordingState.FAILED,
        error=f"The recording is kept, but could not be made playable: {error}",
    )


WORK = Work(perform=_perform, give_up=_give_up)
