"""A media server for tests of the portal's side."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts import tenancy
from meetings.models import Access, Meeting
from tests.meetings.media_server import FakeMediaServer, fake_media_server


@pytest.fixture
def media_server(settings: Any) -> Iterator[FakeMediaServer]:
    with fake_media_server() as server:
        settings.MEDIA_SERVER_URL = server.url
        yield server


@pytest.fixture
def open_meeting(meeting: Meeting) -> Meeting:
    """The meeting, open to whoever has its link."""
    with tenancy.scope(meeting.ministry_id):
        meeting.access = Access.LINK
        meeting.save()
    return meeting
