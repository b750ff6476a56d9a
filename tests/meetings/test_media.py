"""Asking the media server: where, and never inside a transaction."""

import pytest
from django.db import transaction

from meetings import media
from tests.meetings.media_server import FakeMediaServer


def test_it_is_asked_over_its_api(db: None, media_server: FakeMediaServer) -> None:
    media_server.rooms = {"a"}
    assert set(media.rooms_open(["a", "b"], at=media_server.url)) == {"a"}


def test_asking_inside_a_transaction_is_refused(db: None, media_server: FakeMediaServer) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        media.room_is_open(room="a")
    assert not media_server.calls
