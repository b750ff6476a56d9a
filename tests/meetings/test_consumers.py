"""The embedded relay's edges, as the ASGI application serves them."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import HttpCommunicator, WebsocketCommunicator
from livekit.protocol import models, rtc

from accounts import tenancy
from meetings.consumers import BoundedHttpConsumer, embedded
from meetings.models import Invitation, Meeting
from meetings.services import admission
from tests.conftest import People
from visio_portal.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def relay_stopped(settings: Any, tmp_path: Any) -> AsyncIterator[None]:
    """Each test's loop has a relay of its own; its webhooks find nobody."""
    settings.MEDIA_WEBHOOK_URL = "http://127.0.0.1:9/livekit/webhook"
    yield
    await embedded.stop()


def _join_request() -> str:
    request = rtc.JoinRequest(client_info=models.ClientInfo(protocol=16))
    wrapped = rtc.WrappedJoinRequest(join_request=request.SerializeToString())
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


def _token(meeting: Meeting, people: People) -> str:
    with tenancy.scope(people.ministry.id):
        invitation = Invitation.objects.select_related("user").get(meeting=meeting, user=people.host)
        return admission.issue(meeting, invitation).token


def _socket(path: str) -> WebsocketCommunicator:
    return WebsocketCommunicator(application, path)


async def test_an_admitted_person_is_answered_with_a_join(meeting: Meeting, people: People) -> None:
    token = await sync_to_async(_token)(meeting, people)
    socket = _socket(f"/rtc/v1?access_token={token}&join_request={_join_request()}")
    connected, _ = await socket.connect(timeout=10)
    assert connected
    answer = rtc.SignalResponse.FromString(await socket.receive_from(timeout=10))
    assert answer.WhichOneof("message") == "join"
    assert answer.join.participant.name == "Hélène"
    assert answer.join.room.name == meeting.room
    await socket.disconnect()


@pytest.mark.parametrize(
    "path",
    [
        "/rtc/v1",
        "/rtc/v1?access_token=eyJ.a.b",
        f"/rtc/v1?join_request={_join_request()}",
        "/rtc",
        "/somewhere/else",
    ],
)
async def test_other_sockets_are_refused_before_they_are_accepted(path: str) -> None:
    connected, _ = await _socket(path).connect(timeout=10)
    assert not connected


async def test_a_missing_token_is_denied_and_never_absent() -> None:
    answer = await HttpCommunicator(application, "GET", "/rtc/v1/validate").get_response(timeout=10)
    assert answer["status"] == 401
    assert len(answer["body"]) < 60


@pytest.mark.parametrize("path", ["/rtc/v1/validate", "/twirp/livekit.RoomService/ListRooms"])
async def test_an_endless_body_is_cut_off(path: str) -> None:
    body = b"x" * (BoundedHttpConsumer.largest_body + 1)
    answer = await HttpCommunicator(application, "POST", path, body=body).get_response(timeout=10)
    assert answer["status"] == 413


async def test_the_server_api_needs_a_token() -> None:
    headers = [(b"content-type", b"application/json")]
    path = "/twirp/livekit.RoomService/ListRooms"
    request = HttpCommunicator(application, "POST", path, body=b"{}", headers=headers)
    assert (await request.get_response(timeout=10))["status"] == 401
