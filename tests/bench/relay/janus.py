"""Into Debian's Janus: its VideoRoom, over its HTTP API; one connection to publish, another to watch.

https://janus.conf.meetecho.com/docs/videoroom.html
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import aiohttp

from tests.bench.relay import media
from tests.bench.relay.cast import Cast, Room, accepted, by_mid, sections, streams
from tests.bench.relay.line import Line
from tests.bench.relay.publisher import Publisher
from tests.peers.descriptions import Description, read_answer

_AT_ONCE = 4
_ROOM = {
    "publishers": 200,
    "bitrate": 0,
    "videocodec": "vp8",
    "audiocodec": "opus",
    "audiolevel_ext": False,
    "transport_wide_cc_ext": True,
    "notify_joining": False,
}


class Handle:
    """A session with one plugin handle."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, url

    async def open(self) -> "Handle":
        self._session = f"{self._url}/{(await self._ask(self._url, janus='create'))['data']['id']}"
        told = await self._ask(self._session, janus="attach", plugin="janus.plugin.videoroom")
        self._handle = f"{self._session}/{told['data']['id']}"
        return self

    async def _ask(self, url: str, **body: object) -> dict[str, Any]:
        async with self._http.post(url, json={"transaction": secrets.token_hex(6), **body}) as response:
            answer: dict[str, Any] = await response.json()
        if answer["janus"] == "error":
            raise ConnectionError(f"Janus: {answer['error']}")
        return answer

    async def say(self, body: Mapping[str, object], sdp: tuple[str, str] | None = None) -> dict[str, Any]:
        """A request of the VideoRoom's; its answer, waited for where it comes as an event."""
        jsep = {} if sdp is None else {"jsep": {"type": sdp[0], "sdp": sdp[1]}}
        told = await self._ask(self._handle, janus="message", body=body, **jsep)
        while told["janus"] != "success":
            async with self._http.get(f"{self._session}?maxev=1") as response:
                events = await response.json()
            told = events[0] if isinstance(events, list) else events
            data = told.get("plugindata", {}).get("data", {})
            if "error" in data:
                raise ConnectionError(f"Janus: {data['error']}")
            if told["janus"] == "event" and ("jsep" in told or data.get("videoroom") in ("joined", "event")):
                break
        return told


class Janus:
    """See `cast.Server`."""

    def __init__(self, url: str, own: str) -> None:
        self._url, self._own, self._rooms = url, own, 7000
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._lines: list[Line] = []

    async def fill(self, cast: Cast, room: Room) -> None:
        self._rooms += 1
        owner = await Handle(self._http, self._url).open()
        await owner.say({"request": "create", "room": self._rooms, **_ROOM})
        first = len(cast.publishers)
        feeds = {}
        for number in range(first, first + room.publishers):
            feeds[number] = await self._publish(cast, number)
        hearing = [cast.hears(first, room, number) for number in feeds] if room.publishers > 1 else []
        hearing += [cast.hears(first, room)] * room.subscribers
        for start in range(0, len(hearing), _AT_ONCE):
            group = hearing[start : start + _AT_ONCE]
            lines = await asyncio.gather(*(self._watch(cast, [feeds[one] for one in some]) for some in group))
            for line, hears in zip(lines, group, strict=True):
                cast.watch(line, hears)

    async def _publish(self, cast: Cast, number: int) -> int:
        line, sent = self._line(), sections(number)
        handle = await Handle(self._http, self._url).open()
        joined = await handle.say({"request": "join", "ptype": "publisher", "room": self._rooms})
        offer = Description(sections=list(sent)).offer(line.ufrag, line.password, line.fingerprint)
        offer = offer.replace("a=ice-options:trickle", f"a={line.candidate}")
        told = await handle.say(
            {"request": "configure", "audio": True, "video": True, "bitrate": 0}, ("offer", offer)
        )
        await self._connect(line, told["jsep"]["sdp"])
        publisher = Publisher(number, line, streams(told["jsep"]["sdp"], sent, ("0", "1")), media.load())
        line.on_rtcp = publisher.told
        cast.publishers.append(publisher)
        feed: int = joined["plugindata"]["data"]["id"]
        return feed

    async def _watch(self, cast: Cast, feeds: list[int]) -> Line:
        line, handle = self._line(), await Handle(self._http, self._url).open()
        wanted = [{"feed": feed} for feed in feeds]
        told = await handle.say(
            {"request": "join", "ptype": "subscriber", "room": self._rooms, "streams": wanted}
        )
        offer = told["jsep"]["sdp"]
        await handle.say({"request": "start"}, ("answer", answer(offer, line, cast.receiving)))
        await self._connect(line, offer)
        return line

    def _line(self) -> Line:
        self._lines.append(Line(self._own))
        return self._lines[-1]

    async def _connect(self, line: Line, sdp: str) -> None:
        await line.reach(read_answer(sdp))
        await line.secure()  # as the server, who chooses the cipher

    async def close(self) -> None:
        for line in self._lines:
            line.dead = True
            await line.close()
        await self._http.close()


def answer(offer: str, line: Line, extensions: tuple[tuple[int, str], ...]) -> str:
    """Takes whatever is offered, with the first codec of each section."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    mids = by_mid(offer)
    lines += [f"a=group:BUNDLE {' '.join(mids)}", "a=msid-semantic: WMS"]
    for mid, section in mids.items():
        kind, port, protocol, payload = section[0].split(" ")[:4]
        lines += [f"{kind} {port} {protocol} {payload}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}", "a=recvonly"]
        lines += [f"a=ice-ufrag:{line.ufrag}", f"a=ice-pwd:{line.password}", f"a={line.candidate}"]
        lines += [f"a=fingerprint:sha-256 {line.fingerprint}", "a=setup:passive", "a=rtcp-mux"]
        lines += [each for each in section if each.startswith((f"a=rtpmap:{payload} ", f"a=fmtp:{payload} "))]
        lines += [each for each in section if each.startswith(f"a=rtcp-fb:{payload} ")]
        names = {name for _, uri in extensions for name in accepted([f"a=extmap:1 {uri}"])}
        lines += [each for each in section if set(accepted([each])) & names]
    return "\r\n".join(lines) + "\r\n"
