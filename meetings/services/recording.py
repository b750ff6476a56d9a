"""Starting and stopping recordings, and what the media server tells about them."""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import tenancy
from accounts.models import User
from meetings import events, jobs, media, policies
from meetings.errors import MediaServerDown, NotAllowed, WrongState
from meetings.models import (
    LIVE_STATES,
    Consent,
    Meeting,
    MeetingState,
    RecordedTrack,
    Recording,
    RecordingState,
    TrackState,
)
from meetings.policies import Standing
from meetings.services import storage

log = logging.getLogger("visio.recording")


def recording_start(*, meeting: Meeting, by: Standing, user: User) -> Recording:
    """Starts recording everybody in the room. Raises NotAllowed, WrongState or MediaServerDown.

    Whoever starts a recording agrees to it.
    """
    if not policies.may_record(by):
        raise NotAllowed(_("Only the host and co-hosts can record."))
    if meeting.state != MeetingState.LIVE and not media.room_is_open(room=meeting.room):
        raise WrongState(_("Nobody is in the meeting yet: there is nothing to record."))
    recording = _recording_row(meeting, user)
    try:
        media.recording_begin(room=meeting.room, prefix=storage.recording_prefix(recording))
    except MediaServerDown:
        _take_back(recording)
        raise
    if not Recording.objects.filter(id=recording.id, state=RecordingState.RUNNING).exists():
        # Stopped, or deleted with its meeting, while the media server was being asked: it may have heard
        # the stop before the start.
        media.recording_end(room=meeting.room)
        raise WrongState(_("The recording was stopped again."))
    consent_given(recording=recording, identity=f"user-{user.id}", name=user.name)
    return recording


def _take_back(recording: Recording) -> None:
    """The start failed, as far as is known: a media server that did begin must not record unseen."""
    room = recording.meeting.room
    recording.delete()
    try:
        media.recording_end(room=room)
    except MediaServerDown as error:
        log.warning("no answer to the start of a recording, nor to its end in room %s: %s", room, error)


def _recording_row(meeting: Meeting, user: User) -> Recording:
    key = uuid4()
    try:
        with transaction.atomic():
            return Recording.objects.create(
                id=key, meeting=meeting, started_by=user, sealed_key=storage.sealed_key_new(str(key))
            )
    except IntegrityError:
        if meeting.recordings.filter(state=RecordingState.STOPPING).exists():
            raise WrongState(
                _("The last recording is still being closed. Please try again in a moment.")
            ) from None
        raise WrongState(_("This meeting is being recorded already.")) from None


def recording_stop(*, meeting: Meeting, by: Standing) -> Recording:
    """Stops the running recording. Raises NotAllowed or WrongState.

    The decision is committed first; a media server that cannot be reached then is asked again by the sweeper.
    """
    if not policies.may_record(by):
        raise NotAllowed(_("Only the host and co-hosts can stop the recording."))
    recording = meeting.recordings.filter(state=RecordingState.RUNNING).first()
    if recording is None:
        raise WrongState(_("This meeting is not being recorded."))
    begin_stopping(recording)
    try:
        media.recording_end(room=meeting.room)
        written = media.recording_is_written(room=meeting.room)
    except MediaServerDown as error:
        log.warning("recording %s: %s", recording.id, error)
        return recording
    if not written:
        with transaction.atomic():
            go_on(recording)
        recording.refresh_from_db()
    return recording


def begin_stopping(recording: Recording) -> None:
    """Decides that the recording ends now; one that ended already keeps its end."""
    running = Recording.objects.filter(id=recording.id, state=RecordingState.RUNNING)
    if running.update(state=RecordingState.STOPPING, stopped_at=timezone.now()):
        recording.refresh_from_db()


@transaction.atomic
def track_started(*, meeting: Meeting, egress_id: str, track_sid: str, path: str) -> None:
    """The media server writes a track of the meeting's recording into *path*."""
    recording = _recording_at(meeting, path)
    if recording is not None:
        RecordedTrack.objects.get_or_create(
            egress_id=egress_id, defaults={"recording": recording, "track_sid": track_sid, "path": path}
        )


@transaction.atomic
def track_ended(
    *, meeting: Meeting, egress_id: str, track_sid: str, path: str, size: int, error: str = ""
) -> None:
    """The media server has closed a track's record log, or could not write it any further.

    Where that leaves nothing being recorded, the recording ends, and the room is told why.
    """
    recording = _recording_at(meeting, path)
    if recording is None:
        return
    RecordedTrack.objects.update_or_create(
        egress_id=egress_id,
        defaults={
            "recording": recording,
            "track_sid": track_sid,
            "path": path,
            "bytes": size,
            "state": TrackState.COMPLETE,
            "error": error,
        },
    )
    if error and not recording.tracks.filter(state=TrackState.WRITING).exists():
        begin_stopping(recording)
        events.recording_cut_short(room=meeting.room)
    _go_on_when_complete(recording)


def _recording_at(meeting: Meeting, path: str) -> Recording | None:
    """The recording whose folder *path* lies in; a path of another meeting belongs to none."""
    parts = Path(path).parts
    if len(parts) != 4 or parts[0] != str(meeting.ministry_id) or parts[1] != str(meeting.id):
        log.warning("a record log at an unexpected place was ignored: %s", path)
        return None
    return meeting.recordings.filter(id=parts[2]).first()


@transaction.atomic
def room_opened(*, meeting: Meeting) -> None:
    """The room has opened; where a recording runs, the media server has died meanwhile and is told again.

    Nobody will tell of the end of tracks that it wrote before.
    """
    recording = meeting.recordings.filter(state=RecordingState.RUNNING).first()
    if recording is not None:
        recording.tracks.filter(state=TrackState.WRITING).update(state=TrackState.COMPLETE)
        events.recording_goes_on(room=meeting.room, prefix=storage.recording_prefix(recording))


@transaction.atomic
def room_gone(*, meeting: Meeting) -> None:
    """The room has closed: a recording that still ran ends with it."""
    for recording in meeting.recordings.filter(state__in=LIVE_STATES):
        begin_stopping(recording)
        _go_on_when_complete(recording)


def missed(recording: Recording, *, since: datetime | None) -> None:
    """Since when the media server does not record what it should; None where it does."""
    if since != recording.missed_since:
        Recording.objects.filter(id=recording.id).update(missed_since=since)


def record_again(recording: Recording) -> None:
    """Tells the media server once more, in case that it never heard the start."""
    room = recording.meeting.room
    try:
        media.recording_begin(room=room, prefix=storage.recording_prefix(recording))
        if not Recording.objects.filter(id=recording.id, state=RecordingState.RUNNING).exists():
            media.recording_end(room=room)  # stopped meanwhile: it may have heard the stop before the start
    except MediaServerDown as error:
        log.warning("recording %s does not run: %s", recording.id, error)


def _go_on_when_complete(recording: Recording) -> None:
    if recording.tracks.filter(state=TrackState.WRITING).exists():
        return
    go_on(recording)


def go_on(recording: Recording) -> None:
    """From the record logs to files people can play: exactly one caller makes this step."""
    moved = Recording.objects.filter(id=recording.id, state=RecordingState.STOPPING).update(
        state=RecordingState.PROCESSING
    )
    if moved:
        jobs.enqueue(jobs.PROCESS_RECORDING, recording.id)


@transaction.atomic
def consent_told(*, recording: Recording, identity: str, name: str) -> None:
    """A participant has been shown that the meeting is recorded."""
    Consent.objects.get_or_create(recording=recording, identity=identity, defaults={"name": name})


@transaction.atomic
def consent_given(*, recording: Recording, identity: str, name: str) -> None:
    """A participant has agreed to be recorded. The first answer stays."""
    consent, _ = Consent.objects.get_or_create(
        recording=recording, identity=identity, defaults={"name": name}
    )
    if consent.agreed_at is None:
        consent.agreed_at = timezone.now()
        consent.save(update_fields=["agreed_at"])


def running_key(*, room: str) -> bytes:
    """The log key of the room's running recording. Raises WrongState where none runs."""
    with tenancy.across("the media server asks by room before the ministry is known"):
        recording = (
            Recording.objects.filter(meeting_id=UUID(room), state__in=LIVE_STATES)
            .order_by("-started_at")
            .first()
        )
    if recording is None:
        raise WrongState(_("No recording runs in this room."))
    return storage.key_unseal(recording)


def logs_rest(recording: Recording, since: timedelta) -> bool:
    """Whether record logs are on disk, and none was written for that time (to or fro by the clock)."""
    now, logs = timezone.now().timestamp(), logs_of(recording)
    return bool(logs) and all(abs(now - path.stat().st_mtime) > since.total_seconds() for path in logs)


def logs_of(recording: Recording) -> list[Path]:
    """The record logs on disk: they, not the rows, are what was recorded."""
    folder = Path(settings.RECORDINGS_DIR) / storage.recording_prefix(recording)
    return sorted(folder.glob("*.vlog"))
