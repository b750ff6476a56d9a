"""The portal passes signalling on to a relay in another place, and bears with it being away."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.testing import HttpCommunicator, WebsocketCommunicator
from livekit import api
from livekit.protocol import models, rtc

from meetings.consumers import SignalForwarder, ValidateForwarder, forwarding
from meetings.relay.interface import RelayLimits
from meetings.relay.server import Listener, Relay, RelayConfig, application
from tests.meetings.relay.adapter import KEY, SECRET, OpenPortal


class Elsewhere:
    """A relay that can be stopped and started again at one address."""

    def __init__(self, recordings: Any) -> None:
        limits = RelayLimits(linger=0.0)
        self._config = RelayConfig(KEY, SECRET, ("127.0.0.1",), recordings, bind="127.0.0.1", limits=limits)
        self.portal = OpenPortal()
        self.port = 0
        self.relay: Relay | None = None

    async def start(self) -> None:
        self.relay = Relay(self._config, self.portal)
        await self.relay.start()
        self._listener = Listener(application(self.relay))
        self.port = await self._listener.listen("127.0.0.1", self.port)

    async def stop(self) -> None:
        if self.relay is not None:
            await self.relay.stop()
            await self._listener.close()
            self.relay = None

    @property
    def people(self) -> list[str]:
        assert self.relay is not None
        return [identity for room in self.relay._rooms for identity in room.people]


@pytest.fixture
async def elsewhere(tmp_path: Any, settings: Any) -> AsyncIterator[Elsewhere]:
    made = Elsewhere(tmp_path)
    await made.start()
    settings.MEDIA_SERVER_URL = f"http://127.0.0.1:{made.port}"
    patience, forwarding.patience = forwarding.patience, 1.0
    yield made
    await forwarding.close()
    forwarding.patience = patience
    await made.stop()


def _token(identity: str = "ann", **video: Any) -> str:
    grants = api.VideoGrants(**{"room_join": True, "room": "r", **video})
    return api.AccessToken(KEY, SECRET).with_identity(identity).with_grants(grants).to_jwt()


def _query(token: str) -> str:
    request = rtc.JoinRequest(client_info=models.ClientInfo(protocol=16))
    wrapped = rtc.WrappedJoinRequest(join_request=request.SerializeToString())
    return (
        f"access_token={token}&join_request={base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()}"
    )


def _socket(token: str) -> WebsocketCommunicator:
    return WebsocketCommunicator(SignalForwarder.as_asgi(), f"/rtc/v1?{_query(token)}")


async def _validation(token: str) -> tuple[int, bytes]:
    path = f"/rtc/v1/validate?access_token={token}"
    answer = await HttpCommunicator(ValidateForwarder.as_asgi(), "GET", path).get_response(timeout=10)
    return answer["status"], answer["body"]


async def test_messages_go_both_ways_and_the_close_code_is_kept(elsewhere: Elsewhere) -> None:
    socket = _socket(_token())
    assert (await socket.connect(timeout=5))[0]
    joined = rtc.SignalResponse.FromString(await socket.receive_from(timeout=5))
    assert joined.join.participant.identity == "ann"
    await socket.send_to(bytes_data=rtc.SignalRequest(ping=1).SerializeToString())
    while rtc.SignalResponse.FromString(await socket.receive_from(timeout=5)).WhichOneof("message") != "pong":
        pass
    assert elsewhere.relay is not None
    (room,) = elsewhere.relay._rooms
    outbox = room.people["ann"].outbox
    assert outbox is not None
    outbox.finish(1013)
    while (told := await socket.receive_output(timeout=5))["type"] != "websocket.close":
        pass
    assert told["code"] == 1013


async def test_a_client_that_goes_is_gone_there_too(elsewhere: Elsewhere) -> None:
    socket = _socket(_token())
    assert (await socket.connect(timeout=5))[0]
    assert elsewhere.relay is not None
    person = next(iter(elsewhere.relay._rooms)).people["ann"]
    await socket.disconnect()
    async with asyncio.timeout(5):
        while person.outbox is not None:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("token", "status"),
    [(_token(), 200), ("nonsense", 401), (_token(room_join=False), 403)],
    ids=["good", "forged", "no right"],
)
async def test_the_relays_judgement_is_passed_on(elsewhere: Elsewhere, token: str, status: int) -> None:
    assert (await _validation(token))[0] == status
    socket = _socket(token)
    assert (await socket.connect(timeout=5))[0] == (status == 200)
    await socket.disconnect()


async def test_without_a_relay_clients_are_told_to_try_again(elsewhere: Elsewhere) -> None:
    await elsewhere.stop()
    assert (await _validation(_token()))[0] == 503
    assert not (await _socket(_token()).connect(timeout=5))[0]


async def test_whoever_waits_is_in_as_soon_as_a_relay_is_there(elsewhere: Elsewhere) -> None:
    forwarding.patience = 10.0
    await elsewhere.stop()
    sockets = [_socket(_token(f"p{number}")) for number in range(20)]
    waiting = [asyncio.create_task(socket.connect(timeout=10)) for socket in sockets]
    await asyncio.sleep(0.3)
    await elsewhere.start()
    began = asyncio.get_running_loop().time()
    assert all(connected for connected, _ in await asyncio.gather(*waiting))
    assert asyncio.get_running_loop().time() - began < 3
    assert len(elsewhere.people) == 20
    for socket in sockets:
        await socket.disconnect()


async def test_whoever_gave_up_waiting_does_not_join_as_a_ghost(elsewhere: Elsewhere) -> None:
    """It would throw out the same person's next attempt, which had succeeded."""
    forwarding.patience = 10.0
    await elsewhere.stop()
    socket = _socket(_token())
    await socket.send_input({"type": "websocket.connect"})
    await asyncio.sleep(0.3)
    await socket.send_input({"type": "websocket.disconnect", "code": 1006})
    await socket.wait(timeout=5)
    await elsewhere.start()
    await asyncio.sleep(0.5)
    assert elsewhere.people == []
