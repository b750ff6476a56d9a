"""Starting and stopping recordings, and what the media server tells about them."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import tenancy
from meetings import jobs, media, selectors
from meetings.errors import MediaServerDown, NotAllowed, WrongState
from meetings.models import Consent, Job, Meeting, Recording, RecordingState
from meetings.selectors import Viewer
from meetings.services import meeting as meetings
from meetings.services import recording, storage, sweeping
from tests.conftest import People
from tests.meetings.media_server import FakeMediaServer

pytestmark = pytest.mark.usefixtures("in_ministry")


@pytest.fixture
def live(meeting: Meeting) -> Meeting:
    meetings.room_opened(meeting=meeting)
    return meeting


@pytest.fixture
def start(live: Meeting, people: People, media_server: FakeMediaServer) -> Callable[[], Recording]:
    standing = selectors.standing(live, Viewer(user=people.host))
    return lambda: recording.recording_start(meeting=live, by=standing, user=people.host)


def _track(meeting: Meeting, row: Recording, sid: str = "TR_a") -> dict[str, Any]:
    path = f"{storage.recording_prefix(row)}/{sid}.vlog"
    return {"meeting": meeting, "egress_id": f"EG_{sid}", "track_sid": sid, "path": path}


def _stop(meeting: Meeting, people: People) -> Recording:
    standing = selectors.standing(meeting, Viewer(user=people.host))
    return recording.recording_stop(meeting=meeting, by=standing)


def test_the_media_server_is_told_where_to_write(
    start: Callable[[], Recording], live: Meeting, media_server: FakeMediaServer
) -> None:
    row = start()
    (request,) = media_server.asked("CreateRoom")
    assert request.name == live.room
    assert request.egress.tracks.filepath == storage.recording_prefix(row)
    assert row.state == RecordingState.RUNNING


def test_whoever_starts_a_recording_agrees_to_it(start: Callable[[], Recording], people: People) -> None:
    row = start()
    consent = Consent.objects.get(recording=row)
    assert consent.identity == f"user-{people.host.id}"
    assert consent.agreed_at is not None


def test_only_one_recording_runs_at_a_time(start: Callable[[], Recording]) -> None:
    start()
    with pytest.raises(WrongState, match="already"):
        start()


def test_a_participant_cannot_record(live: Meeting, people: People, media_server: FakeMediaServer) -> None:
    standing = selectors.standing(live, Viewer(user=people.invitee))
    with pytest.raises(NotAllowed):
        recording.recording_start(meeting=live, by=standing, user=people.invitee)
    assert not media_server.calls


def test_an_empty_meeting_cannot_be_recorded(
    meeting: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    standing = selectors.standing(meeting, Viewer(user=people.host))
    with pytest.raises(WrongState, match="nothing to record"):
        recording.recording_start(meeting=meeting, by=standing, user=people.host)


def test_a_recording_the_media_server_refused_leaves_no_row(
    start: Callable[[], Recording], media_server: FakeMediaServer
) -> None:
    media_server.broken = True
    with pytest.raises(MediaServerDown):
        start()
    assert not Recording.objects.exists()


def test_processing_waits_for_the_last_track(
    start: Callable[[], Recording], live: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    row = start()
    media_server.writing = {"EG_TR_a", "EG_TR_b"}
    recording.track_started(**_track(live, row, "TR_a"))
    recording.track_started(**_track(live, row, "TR_b"))
    assert _stop(live, people).state == RecordingState.STOPPING
    recording.track_ended(size=10, **_track(live, row, "TR_a"))
    assert not Job.objects.exists()
    recording.track_ended(size=10, **_track(live, row, "TR_b"))
    row.refresh_from_db()
    assert row.state == RecordingState.PROCESSING
    assert Job.objects.get().name == jobs.PROCESS_RECORDING


def test_a_recording_without_any_track_is_processed_at_once(
    start: Callable[[], Recording], live: Meeting, people: People
) -> None:
    start()
    assert _stop(live, people).state == RecordingState.PROCESSING


def test_a_track_whose_beginning_was_not_told_yet_is_waited_for(
    start: Callable[[], Recording], live: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    row = start()
    media_server.writing = {"EG_TR_a"}
    assert _stop(live, people).state == RecordingState.STOPPING
    recording.track_started(**_track(live, row))
    recording.track_ended(size=10, **_track(live, row))
    row.refresh_from_db()
    assert row.state == RecordingState.PROCESSING


def test_a_stop_that_the_media_server_did_not_hear_is_kept_and_finished_later(
    start: Callable[[], Recording], live: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    start()
    media_server.broken = True
    assert _stop(live, people).state == RecordingState.STOPPING
    media_server.broken, media_server.rooms = False, {live.room}
    Recording.objects.update(stopped_at=timezone.now() - sweeping.PATIENCE - timedelta(seconds=1))
    sweeping.sweep()
    assert not media_server.asked("CreateRoom")[-1].egress.HasField("tracks")
    assert Recording.objects.get().state == RecordingState.PROCESSING


def test_a_webhook_that_comes_twice_or_first_makes_one_job(
    start: Callable[[], Recording], live: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    row = start()
    media_server.writing = {"EG_TR_a"}
    _stop(live, people)
    for _ in range(2):
        recording.track_ended(size=10, **_track(live, row))
    assert Job.objects.count() == 1


def test_everybody_leaving_ends_the_recording(start: Callable[[], Recording], live: Meeting) -> None:
    row = start()
    recording.track_started(**_track(live, row))
    recording.track_ended(size=10, **_track(live, row))
    recording.room_gone(meeting=live)
    row.refresh_from_db()
    assert row.state == RecordingState.PROCESSING
    assert row.stopped_at is not None


def test_the_sweeper_goes_on_when_the_last_word_of_a_track_never_came(
    start: Callable[[], Recording], live: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    row = start()
    media_server.writing = {"EG_TR_a"}
    recording.track_started(**_track(live, row))
    _stop(live, people)
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.STOPPING
    Recording.objects.update(stopped_at=timezone.now() - sweeping.PATIENCE - timedelta(seconds=1))
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.PROCESSING


def test_the_sweeper_ends_a_recording_whose_room_died(
    start: Callable[[], Recording], live: Meeting, media_server: FakeMediaServer
) -> None:
    row = start()
    Recording.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    media_server.rooms = {live.room}
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.RUNNING
    media_server.rooms = set()
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.RUNNING
    Recording.objects.update(missed_since=timezone.now() - sweeping.PATIENCE - timedelta(seconds=1))
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.STOPPING


def test_a_stopped_recording_whose_relay_died_goes_on_once_its_logs_rest(
    start: Callable[[], Recording], live: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    """Nobody is left to tell that the tracks ended."""
    row = start()
    folder = storage.recording_folder(row)
    folder.mkdir(parents=True)
    (folder / "TR_a.vlog").touch()
    recording.track_started(**_track(live, row))
    recording.begin_stopping(row)
    for age, state in ((0, RecordingState.STOPPING), (60, RecordingState.PROCESSING)):
        then = timezone.now().timestamp() - age
        os.utime(folder / "TR_a.vlog", (then, then))
        sweeping.sweep()
        row.refresh_from_db()
        assert row.state == state


def test_people_on_their_way_back_after_the_relay_died_are_recorded_on(
    start: Callable[[], Recording], live: Meeting, media_server: FakeMediaServer
) -> None:
    """The sweeper came by in the very second in which the room was gone."""
    row = start()
    Recording.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    for rooms in (set(), {live.room}, set()):
        media_server.rooms = rooms
        sweeping.sweep()
        row.refresh_from_db()
        assert row.state == RecordingState.RUNNING
        assert (row.missed_since is None) is bool(rooms)


def test_tracks_of_a_relay_that_died_are_not_waited_for(
    start: Callable[[], Recording], live: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    """The stop was processed half a minute late, when the sweeper had given up on them."""
    row = start()
    recording.track_started(**_track(live, row, "TR_before"))
    recording.room_opened(meeting=live)
    recording.track_started(**_track(live, row, "TR_after"))
    media_server.writing = {"EG_TR_after"}
    _stop(live, people)
    recording.track_ended(size=10, **_track(live, row, "TR_after"))
    row.refresh_from_db()
    assert row.state == RecordingState.PROCESSING


def test_a_start_that_the_media_server_forgot_is_told_again_and_then_given_up(
    start: Callable[[], Recording], live: Meeting, media_server: FakeMediaServer
) -> None:
    """Its disk was full, and the word of it was lost: everybody saw a recording that was none."""
    row = start()
    Recording.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    media_server.rooms, media_server.recording = {live.room}, False
    sweeping.sweep()
    assert media_server.asked("CreateRoom")[-1].egress.HasField("tracks")
    assert len(media_server.asked("CreateRoom")) == 2
    Recording.objects.update(missed_since=timezone.now() - sweeping.PATIENCE - timedelta(seconds=1))
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.RUNNING  # nobody is on: there is nothing to be written
    recording.track_started(**_track(live, row))
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.STOPPING


@pytest.mark.django_db(transaction=True)
def test_a_disk_that_takes_nothing_more_ends_the_recording_and_the_room_is_told(
    start: Callable[[], Recording], live: Meeting, media_server: FakeMediaServer
) -> None:
    row = start()
    for sid in ("TR_a", "TR_b"):
        recording.track_started(**_track(live, row, sid))
    recording.track_ended(size=10, error="OSError: No space left on device", **_track(live, row, "TR_a"))
    assert Recording.objects.get().state == RecordingState.RUNNING
    recording.track_ended(size=10, error="OSError: No space left on device", **_track(live, row, "TR_b"))
    assert Recording.objects.get().state == RecordingState.PROCESSING
    assert not media_server.asked("CreateRoom")[-1].egress.HasField("tracks")
    (told,) = media_server.asked("SendData")
    assert (told.topic, b"cut-short" in told.data) == (media.RECORDING_TOPIC, True)


def test_a_record_log_of_another_meeting_is_ignored(
    start: Callable[[], Recording], live: Meeting, people: People
) -> None:
    row = start()
    with tenancy.scope(people.other_ministry.id):
        foreign = meetings.meeting_start(
            host=people.stranger, ministry=people.other_ministry, title="Foreign"
        )
        recording.track_started(**{**_track(live, row), "meeting": foreign})
    assert not row.tracks.exists()


def test_each_recording_has_its_own_sealed_key(start: Callable[[], Recording], live: Meeting) -> None:
    row = start()
    key = recording.running_key(room=live.room)
    assert len(key) == 32
    assert key not in bytes(row.sealed_key)
    assert storage.key_unseal(row) == key


def test_no_key_is_given_where_nothing_is_recorded(live: Meeting) -> None:
    with pytest.raises(WrongState):
        recording.running_key(room=live.room)
