"""Into our relay, with LiveKit's signalling."""

import asyncio
from datetime import timedelta

import aiohttp
from livekit import api
from livekit.protocol.models import TrackSource, TrackType
from livekit.protocol.rtc import AddTrackRequest, SignalResponse

from tests.bench.relay import media
from tests.bench.relay.cast import Cast, Room, sections, streams
from tests.bench.relay.line import Line
from tests.bench.relay.publisher import Publisher, Stream
from tests.meetings.relay.adapter import KEY, SECRET
from tests.peers.person import LightPerson

_AT_ONCE = 4  # handshakes under way


class Caller(LightPerson):
    """Publishes what `sections` says, or nothing, and watches whatever there is."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        token: str,
        line: Line,
        number: int | None,
        extensions: tuple[tuple[int, str], ...],
    ) -> None:
        super().__init__(http, url, token)
        self.transport = self.line = line
        self._number, self._extensions = number, extensions
        self.negotiated: asyncio.Future[tuple[Stream, Stream] | None] = asyncio.Future()
        self._narrow()

    def _narrow(self) -> None:
        for section in self.description.sections:
            if section.direction == "recvonly":
                section.extensions = self._extensions

    def _understand(self, message: SignalResponse) -> None:
        super()._understand(message)
        self._narrow()

    def _tracks(self) -> list[AddTrackRequest]:
        if self._number is None:
            return []
        return [
            AddTrackRequest(cid="mic", type=TrackType.AUDIO, source=TrackSource.MICROPHONE),
            AddTrackRequest(
                cid="cam", type=TrackType.VIDEO, source=TrackSource.CAMERA, width=1280, height=720
            ),
        ]

    async def _play(self) -> None:
        if self._number is None:
            self.negotiated.set_result(None)
            return
        sent, first = sections(self._number), len(self.description.sections)
        self.description.sections += sent
        answer = await self._negotiate()
        self.negotiated.set_result(streams(answer.sdp, sent, (str(first), str(first + 1))))


class LiveKit:
    """See `cast.Server`."""

    def __init__(self, url: str, own: str) -> None:
        self._url, self._own, self._rooms = url, own, 0
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._callers: list[Caller] = []

    async def fill(self, cast: Cast, room: Room) -> None:
        self._rooms += 1
        first = len(cast.publishers)
        for number in range(first, first + room.publishers):
            caller = await self._join(cast, f"p{number}", number)
            negotiated = await caller.negotiated
            assert negotiated is not None
            publisher = Publisher(number, caller.line, negotiated, media.load())
            caller.line.on_rtcp = publisher.told
            cast.publishers.append(publisher)
            if hears := cast.hears(first, room, number):
                cast.watch(caller.line, hears)
        for start in range(0, room.subscribers, _AT_ONCE):
            names = [f"s{number}" for number in range(start, min(start + _AT_ONCE, room.subscribers))]
            for caller in await asyncio.gather(*(self._join(cast, name, None) for name in names)):
                hears = cast.hears(first, room)
                cast.watch(caller.line, hears)

    async def _join(self, cast: Cast, name: str, number: int | None) -> Caller:
        grants = api.VideoGrants(room_join=True, room=f"room{self._rooms}")
        token = api.AccessToken(KEY, SECRET).with_identity(name).with_name(name).with_grants(grants)
        line = Line(self._own)
        caller = Caller(
            self._http, self._url, token.with_ttl(timedelta(hours=1)).to_jwt(), line, number, cast.receiving
        )
        self._callers.append(caller)
        await caller.join()
        return caller

    async def close(self) -> None:
        for caller in self._callers:
            await caller.vanish()
        await self._http.close()
