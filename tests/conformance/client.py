"""What a conformance line asks of a client, whichever it is; and the browsers' way of doing it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

LOW, MEDIUM, HIGH = 0, 1, 2


class NotOffered(Exception):
    """The client has no public way to do this; the line then says so, or sends the message raw."""


@dataclass(frozen=True)
class Picture:
    """A camera to be made up: pixels, frames per second, and the layers below the full one."""

    width: int = 960
    height: int = 540
    fps: int = 8
    layers: tuple[tuple[int, int, int], ...] = ((240, 135, 50_000), (480, 270, 100_000))


SIMULCAST = Picture()


@dataclass(frozen=True)
class Received:
    """One subscribed track, as its receiver counts. `reported` packets by the sender's report, 0 without."""

    ssrc: int
    frames: int
    keyframes: int
    packets: int
    lost: int
    dropped: int
    width: int
    energy: float
    reported: int
    reportedAt: float


class Client(Protocol):
    """One person in one room. `seen` has the shape that `page.mjs` describes."""

    identity: str

    async def join(self, url: str, token: str, **options: Any) -> None: ...
    async def leave(self) -> None: ...
    async def publish_camera(self, picture: Picture = SIMULCAST) -> str: ...
    async def publish_microphone(self) -> str: ...
    async def unpublish(self, sid: str) -> None: ...
    async def mute(self, sid: str, muted: bool) -> None: ...
    async def hush(self, sid: str, quiet: bool) -> None: ...
    async def subscribe(self, sid: str, wanted: bool) -> None: ...
    async def quality(self, sid: str, quality: int) -> None: ...
    async def size(self, sid: str, width: int, height: int) -> None: ...
    async def describe(self, **changes: Any) -> None: ...
    async def permit(self, identities: Sequence[str]) -> None: ...
    async def features(self, sid: str, features: Sequence[int]) -> None: ...
    async def publish_data(self, text: str, *, reliable: bool, topic: str = "") -> None: ...
    async def send_text(self, text: str) -> None: ...
    async def seen(self) -> dict[str, Any]: ...
    async def received(self) -> Mapping[str, Received]: ...


class Browser(Protocol):
    """A started browser with one page."""

    version: str

    async def start(self) -> None: ...
    async def open(self, url: str) -> None: ...
    async def run(self, function: str, argument: str) -> str: ...
    async def stop(self) -> None: ...


class BrowserClient:
    """livekit-client in a page; `client.Client`."""

    def __init__(self, browser: Browser, identity: str) -> None:
        self._browser, self.identity = browser, identity

    async def act(self, does: str, **given: Any) -> Any:
        """Calls a method of the page's Person."""
        text = json.dumps({"who": self.identity, "does": does, "with": given})
        return json.loads(await self._browser.run("(text) => window.act(text)", text))

    async def join(self, url: str, token: str, **options: Any) -> None:
        """`room=`: what the Room is made with; the rest is said at connecting."""
        await self.act("enter", **options.pop("room", {}))
        await self.act("join", url=url, token=token, **options)

    async def leave(self) -> None:
        await self.act("leave")

    async def publish_camera(self, picture: Picture = SIMULCAST) -> str:
        sid: str = await self.act("publishCamera", **vars(picture))
        return sid

    async def publish_microphone(self) -> str:
        sid: str = await self.act("publishMicrophone")
        return sid

    async def unpublish(self, sid: str) -> None:
        await self.act("unpublish", sid=sid)

    async def mute(self, sid: str, muted: bool) -> None:
        await self.act("mute", sid=sid, muted=muted)

    async def hush(self, sid: str, quiet: bool) -> None:
        """Silence on an open microphone."""
        await self.act("hush", sid=sid, quiet=quiet)

    async def subscribe(self, sid: str, wanted: bool) -> None:
        await self.act("subscribe", sid=sid, wanted=wanted)

    async def quality(self, sid: str, quality: int) -> None:
        await self.act("quality", sid=sid, quality=quality)

    async def size(self, sid: str, width: int, height: int) -> None:
        await self.act("size", sid=sid, width=width, height=height)

    async def describe(self, **changes: Any) -> None:
        await self.act("describe", **changes)

    async def permit(self, identities: Sequence[str]) -> None:
        await self.act("permit", identities=list(identities))

    async def features(self, sid: str, features: Sequence[int]) -> None:
        await self.act("features", sid=sid, features=list(features))

    async def publish_data(self, text: str, *, reliable: bool, topic: str = "") -> None:
        await self.act("publishData", text=text, reliable=reliable, topic=topic)

    async def send_text(self, text: str) -> None:
        await self.act("sendText", text=text)

    async def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.act("seen")
        return found

    async def received(self) -> Mapping[str, Received]:
        return {sid: Received(**row) for sid, row in (await self.act("received")).items()}


async def until(condition: Callable[[], Any], seconds: float = 40.0) -> Any:
    """Waits for something that the other end will bring about; what the condition then returned."""
    last = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = condition()
                last = await found if isinstance(found, Awaitable) else found
                if last:
                    return last
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s; last seen: {last!r}") from None
