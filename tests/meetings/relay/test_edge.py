"""The relay's own HTTP and WebSocket edge, asked by aiohttp, and by whoever means no good."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from livekit.protocol.rtc import SignalRequest, SignalResponse

from .stage import Stage, joining, settle
from .stage import token as short_token


def token(identity: str = "ann", **changes: Any) -> str:
    """Good for as long as a whole run of the tests: parameters are made when tests are collected."""
    return short_token(identity, exp=int(time.time()) + 3600, **changes)


@pytest.fixture
async def http(stage: Stage) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(stage.front.url) as session:
        yield session


async def test_it_says_that_it_is_alive(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as answer:
        assert (answer.status, await answer.text()) == (200, "OK")


@pytest.mark.parametrize(
    ("bearer", "status"), [(token(), 200), ("", 401), ("nonsense", 401), (token(room=""), 403)]
)
async def test_tokens_are_judged_for_pages_of_any_origin(
    http: aiohttp.ClientSession, bearer: str, status: int
) -> None:
    """livekit-client asks by fetch why its socket was refused, from whatever page it is on."""
    for request in ({"params": {"access_token": bearer}}, {"headers": {"Authorization": f"Bearer {bearer}"}}):
        async with http.get("/rtc/v1/validate", **request) as answer:
            assert answer.status == status
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert len(await answer.text()) < 60


async def test_a_preflight_is_answered(http: aiohttp.ClientSession) -> None:
    async with http.options(
        "/twirp/livekit.RoomService/ListRooms", headers={"Origin": "https://a.b"}
    ) as answer:
        assert answer.status == 204
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


async def test_a_client_joins_talks_and_is_told_when_the_room_ends(
    stage: Stage, http: aiohttp.ClientSession
) -> None:
    params = {"access_token": token(), "join_request": joining()}
    async with http.ws_connect("/rtc/v1", params=params) as socket:
        first = SignalResponse.FromString(await socket.receive_bytes(timeout=5))
        assert first.join.participant.identity == "ann"
        await socket.send_bytes(SignalRequest(ping=7).SerializeToString())
        while (
            SignalResponse.FromString(await socket.receive_bytes(timeout=5)).WhichOneof("message") != "pong"
        ):
            pass
    await settle()
    person = next(iter(stage.relay._rooms)).people["ann"]
    async with asyncio.timeout(5):
        while person.outbox is not None:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"access_token": "nonsense", "join_request": joining()}, 401),
        ({"access_token": token(), "join_request": "%%"}, 400),
        ({"access_token": token("refused"), "join_request": joining()}, 403),
    ],
)
async def test_a_refusal_is_a_status_before_any_socket(
    stage: Stage, http: aiohttp.ClientSession, params: dict[str, str], status: int
) -> None:
    stage.portal.refused.add("refused")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect("/rtc/v1", params=params)
    assert refused.value.status == status


async def test_a_plain_request_lets_nobody_in(stage: Stage, http: aiohttp.ClientSession) -> None:
    params = {"access_token": token(), "join_request": joining()}
    async with http.get("/rtc/v1", params=params) as answer:
        assert answer.status == 400
    assert not list(stage.relay._rooms)


async def test_a_message_beyond_the_limit_ends_its_socket(stage: Stage, http: aiohttp.ClientSession) -> None:
    params = {"access_token": token(), "join_request": joining()}
    async with http.ws_connect("/rtc/v1", params=params, max_msg_size=0) as socket:
        await socket.send_bytes(bytes(stage.relay.config.limits.signal_message + 1))
        async with asyncio.timeout(5):
            while (await socket.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                pass
        assert socket.close_code == 1009


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /twirp/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + bytes(2_000_000), b"413"),
        (b"GET /rtc/v1/validate?access_token=" + b"x" * 400_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET /somewhere HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"DELETE /rtc/v1 HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
    ],
    ids=["body", "line", "TLS", "path", "method"],
)
async def test_hostile_requests_are_answered(stage: Stage, request_: bytes, status: bytes) -> None:
    host, port = stage.front.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request_)
    answer = await asyncio.wait_for(reader.readline(), 5)
    assert answer.split()[1] == status
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    async with aiohttp.ClientSession(stage.front.url) as http, http.get("/") as alive:
        assert alive.status == 200
