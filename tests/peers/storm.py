"""Many people who join within seconds: sockets, tokens and first offers as SDKs send them, no media."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
from livekit.protocol.models import TrackSource, TrackType
from livekit.protocol.rtc import (
    AddTrackRequest,
    LeaveRequest,
    SessionDescription,
    SignalRequest,
    SignalResponse,
)

from .descriptions import Description
from .invite import Guest, Guests
from .person import join_request

PATIENCE = 30.0  # seconds; SDKs give the join answer 5, then try again


@dataclass
class Arrival:
    """Seconds from opening the socket to the join answer and to the answer to the offer; or what came."""

    join: float = 0.0
    answer: float = 0.0
    problem: str = ""


async def storm(url: str, guests: Guests, people: Sequence[Guest], seconds: float) -> list[Arrival]:
    """All of them, evenly spread over so many seconds; they stay until the last is answered, then leave."""
    arrivals = [Arrival() for _ in people]
    answered = [asyncio.Event() for _ in people]
    over = asyncio.Event()
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        asyncio.TaskGroup() as coming,
    ):
        for number, guest in enumerate(people):
            wait = number * seconds / len(people)
            one = _Comer(http, url, guests.token(guest), arrivals[number], answered[number])
            coming.create_task(one.come(wait, over))
        for each in answered:
            await each.wait()
        over.set()
    return arrivals


class _Comer:
    def __init__(
        self, http: aiohttp.ClientSession, url: str, token: str, arrival: Arrival, answered: asyncio.Event
    ) -> None:
        self._http, self._url, self._token = http, url, token
        self._arrival, self._answered = arrival, answered

    async def come(self, wait: float, over: asyncio.Event) -> None:
        await asyncio.sleep(wait)
        try:
            async with asyncio.timeout(PATIENCE):
                socket = await self._join()
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            self._arrival.problem = repr(error)
            return
        finally:
            self._answered.set()
        reading = asyncio.create_task(_read(socket))
        await over.wait()
        await socket.send_bytes(SignalRequest(leave=LeaveRequest()).SerializeToString())
        await socket.close()
        await reading

    async def _join(self) -> aiohttp.ClientWebSocketResponse:
        began = time.monotonic()
        text = Description().offer("frag", "a-password-of-the-client", ":".join(["AB"] * 32))
        request = join_request(
            publisher_offer=SessionDescription(type="offer", sdp=text, id=1),
            add_track_requests=[
                AddTrackRequest(cid="mic", type=TrackType.AUDIO, source=TrackSource.MICROPHONE)
            ],
        )
        query = urlencode({"access_token": self._token, "join_request": request})
        socket = await self._http.ws_connect(f"{self._url}/rtc/v1?{query}", max_msg_size=1 << 22)
        while not self._arrival.answer:
            message = await socket.receive()
            if message.type != aiohttp.WSMsgType.BINARY:
                raise ConnectionError(f"instead of an answer: {message.type.name} {message.data}")
            said = SignalResponse.FromString(message.data).WhichOneof("message")
            if said == "join":
                self._arrival.join = time.monotonic() - began
            elif said == "answer":
                self._arrival.answer = time.monotonic() - began
        return socket


async def _read(socket: aiohttp.ClientWebSocketResponse) -> None:
    """What others do keeps coming, and must be taken."""
    async for _ in socket:
        pass
