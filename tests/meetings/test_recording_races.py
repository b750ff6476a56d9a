"""A start and a stop that overtake each other: nothing is recorded that the portal does not know of."""

from collections.abc import Callable

import pytest
from django.db import connection

from accounts import tenancy
from meetings import selectors
from meetings.errors import MediaServerDown, WrongState
from meetings.models import Meeting, Recording, RecordingState
from meetings.selectors import Viewer
from meetings.services import meeting as meetings
from meetings.services import recording
from tests.conftest import People
from tests.meetings.media_server import FakeMediaServer


@pytest.fixture
def live(meeting: Meeting, people: People) -> Meeting:
    with tenancy.scope(people.ministry.id):
        meetings.room_opened(meeting=meeting)
    return meeting


@pytest.fixture
def start(live: Meeting, people: People, media_server: FakeMediaServer) -> Callable[[], Recording]:
    def begin() -> Recording:
        with tenancy.scope(people.ministry.id):
            standing = selectors.standing(live, Viewer(user=people.host))
            return recording.recording_start(meeting=live, by=standing, user=people.host)

    return begin


def _begins_or_ends(media_server: FakeMediaServer) -> list[bool]:
    """For each request about recording whether it asked to record."""
    return [request.egress.HasField("tracks") for request in media_server.asked("CreateRoom")]


@pytest.mark.django_db(transaction=True)
def test_a_stop_that_overtakes_the_start_is_repeated(
    start: Callable[[], Recording], live: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    """The host's second window stops while the media server is still being asked to begin."""

    def stop(method: str) -> None:
        media_server.meanwhile = lambda method: None
        with tenancy.scope(people.ministry.id):
            standing = selectors.standing(live, Viewer(user=people.host))
            recording.recording_stop(meeting=live, by=standing)
        connection.close()

    media_server.meanwhile = stop
    with pytest.raises(WrongState, match="stopped"):
        start()
    assert _begins_or_ends(media_server) == [True, False, False]


@pytest.mark.django_db(transaction=True)
def test_a_start_whose_answer_was_lost_is_ended_on_the_media_server(
    start: Callable[[], Recording], people: People, media_server: FakeMediaServer
) -> None:
    def break_off(method: str) -> None:
        media_server.meanwhile = lambda method: None
        raise ConnectionResetError

    media_server.meanwhile = break_off
    with pytest.raises(MediaServerDown):
        start()
    assert _begins_or_ends(media_server) == [True, False]
    with tenancy.scope(people.ministry.id):
        assert not Recording.objects.exists()


def test_the_next_recording_waits_until_the_last_one_is_closed(
    start: Callable[[], Recording], people: People
) -> None:
    start()
    with tenancy.scope(people.ministry.id):
        Recording.objects.update(state=RecordingState.STOPPING)
        with pytest.raises(WrongState, match="being closed"):
            start()
        Recording.objects.update(state=RecordingState.PROCESSING)
    assert start().state == RecordingState.RUNNING
