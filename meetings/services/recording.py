"""Starting and stopping recordings, and what the media server tells about them."""

import logging
from datetime import timedelta
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

# How long the last tracks may take to be closed before the recording goes on with what is on disk.
STOPPING_PATIENCE = timedelta(seconds=15)


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
        recording.delete()
        raise
    consent_given(recording=recording, identity=f"user-{user.id}", name=user.name)
    return recording


def _recording_row(meeting: Meeting, user: User) -> Recording:
    key = uuid4()
    try:
        with transaction.atomic():
            return Recording.objects.create(
                id=key, meeting=meeting, started_by=user, sealed_key=storage.sealed_key_new(str(key))
            )
    except IntegrityError:
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
    _begin_stopping(recording)
    try:
        media.recording_end(room=meeting.room)
        written = media.recording_is_written(room=meeting.room)
    except MediaServerDown as error:
        log.warning("recording %s: %s", recording.id, error)
        return recording
    if not written:
        with transaction.atomic():
            _go_on(recording)
        recording.refresh_from_db()
    return recording


def _begin_stopping(recording: Recording) -> None:
    Recording.objects.filter(id=recording.id, state=RecordingState.RUNNING).update(
        state=RecordingState.STOPPING, stopped_at=timezone.now()
    )
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
def track_ended(*, meeting: Meeting, egress_id: str, track_sid: str, path: str, size: int) -> None:
    """The media server has closed a track's record log."""
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
        },
    )
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
    """The room has opened; where a recording runs, the media server has died meanwhile and is told again."""
    recording = meeting.recordings.filter(state=RecordingState.RUNNING).first()
    if recording is not None:
        events.recording_goes_on(room=meeting.room, prefix=storage.recording_prefix(recording))


@transaction.atomic
def room_gone(*, meeting: Meeting) -> None:
    """The room has closed: a recording that still ran ends with it."""
    for recording in meeting.recordings.filter(state__in=LIVE_STATES):
        _begin_stopping(recording)
        _go_on_when_complete(recording)


def _go_on_when_complete(recording: Recording) -> None:
    if recording.tracks.filter(state=TrackState.WRITING).exists():
        return
    _go_on(recording)


def _go_on(recording: Recording) -> None:
    """From the record logs to files people can play: exactly one caller makes this step."""
    moved = Recording.objects.filter(id=recording.id, state=RecordingState.STOPPING).update(
        state=RecordingState.PROCESSING
    )
    if moved:
        jobs.enqueue(jobs.PROCESS_RECORDING, recording.id)


def sweep() -> None:
    """Ends recordings whose room is gone, and goes on where the last word of a track never came."""
    with tenancy.across("the sweeper looks after the recordings of every ministry"):
        live = list(Recording.objects.select_related("meeting").filter(state__in=LIVE_STATES))
    for recording in live:
        with tenancy.scope(recording.ministry_id):
            _sweep_one(recording)


def _sweep_one(recording: Recording) -> None:
    now = timezone.now()
    if recording.state == RecordingState.RUNNING:
        if recording.started_at < now - STOPPING_PATIENCE and _room_is_gone(recording.meeting):
            _begin_stopping(recording)
    elif recording.stopped_at is not None and recording.stopped_at < now - STOPPING_PATIENCE:
        _stop_again(recording.meeting)
        with transaction.atomic():
            _go_on(recording)


def _stop_again(meeting: Meeting) -> None:
    """A media server that did not hear the stop must not go on recording."""
    try:
        if media.room_is_open(room=meeting.room):
            media.recording_end(room=meeting.room)
    except MediaServerDown as error:
        log.warning("the recording of room %s may still run: %s", meeting.room, error)


def _room_is_gone(meeting: Meeting) -> bool:
    try:
        return not media.room_is_open(room=meeting.room)
    except MediaServerDown:
        return False


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


def logs_of(recording: Recording) -> list[Path]:
    """The record logs on disk: they, not the rows, are what was recorded."""
    folder = Path(settings.RECORDINGS_DIR) / storage.recording_prefix(recording)
    return sorted(folder.glob("*.vlog"))
