"""A publisher and a subscriber in one Chromium, and a page server for them."""

import asyncio
import json
import shutil
import time
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final

from aiohttp import web
from livekit import api
from playwright.async_api import BrowserContext, Page, async_playwright

from tests.bench.impairment.analysis import Figures, Sample, figures, recovery
from tests.bench.impairment.scenes import FULL_WIDTH, Scene, picture, voice
from tests.meetings.relay.adapter import KEY, SECRET
from tests.peers.impairment import SHIFT, Impairment

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parents[2] / "node_modules" / "livekit-client" / "dist"
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
# Keeps peer connections for the samples, and takes the subscriber's media through the impairer.
_SCRIPT: Final = """
window.connections = [];
const [from, to, shift] = DETOUR;
const led = (text) => text.replaceAll(
  RegExp(from + ' ([0-9]+) typ', 'g'), (_, port) => `${to} ${+port + shift} typ`);
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.connections.push(this); }
  setRemoteDescription({type, sdp}) { return super.setRemoteDescription({type, sdp: led(sdp)}); }
  addIceCandidate(given) {
    const {candidate, ...rest} = given?.toJSON?.() ?? given ?? {};
    return super.addIceCandidate(candidate ? {...rest, candidate: led(candidate)} : given);
  }
};
"""
_ROOM: Final = 1234
_READY: Final = 30.0  # seconds until the full picture comes at first
_BACK: Final = 14.0  # seconds in which it must come again


class Call:
    """`through`: (server's address, impairer's) for the subscriber."""

    def __init__(self, address: str, profile: Path, through: tuple[str, str]) -> None:
        self._address, self._profile, self._addresses = address, profile, through

    async def __aenter__(self) -> "Call":
        app = web.Application()
        for name in ("page.html", "page.mjs"):
            app.router.add_get(f"/{name}", lambda request, name=name: web.FileResponse(HERE / name))
        app.router.add_static("/lib", LIBRARY)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._address, 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self._origin = f"http://{self._address}:{port}"
        self._playwright = await async_playwright().start()
        self._context = await self._browser()
        return self

    async def _browser(self) -> BrowserContext:
        flags = [
            *_FLAGS,
            f"--unsafely-treat-insecure-origin-as-secure={self._origin}",
            f"--use-file-for-fake-video-capture={picture()}",
            f"--use-file-for-fake-audio-capture={voice()}",
        ]
        return await self._playwright.chromium.launch_persistent_context(
            str(self._profile), executable_path=shutil.which("chromium"), args=flags, headless=True
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._context.close()
        await self._playwright.stop()
        await self._runner.cleanup()

    async def begin(self, kind: str, url: str) -> None:
        """Until the subscriber has full pictures."""
        publisher = await self._page(self._addresses[0], self._addresses[0], 0)
        self._subscriber = await self._page(*self._addresses, SHIFT)
        await self._end(publisher, kind, "publish", url)
        await self._end(self._subscriber, kind, "watch", url)
        if await self._until_full(0.0, _READY) is None:
            raise TimeoutError(f"no full picture after {_READY} s: {(await self._samples())[-1:]}")

    async def _page(self, *detour: str | int) -> Page:
        page = await self._context.new_page()
        page.on("pageerror", lambda error: print(f"  page: {error}"))
        await page.add_init_script(_SCRIPT.replace("DETOUR", json.dumps(detour)))
        await page.goto(f"{self._origin}/page.html")
        await page.wait_for_function("() => window.ends")
        return page

    async def _end(self, page: Page, kind: str, role: str, url: str) -> None:
        grants = api.VideoGrants(room_join=True, room="call")
        token = api.AccessToken(KEY, SECRET).with_identity(role).with_grants(grants)
        given = {"url": url, "token": token.with_ttl(timedelta(hours=1)).to_jwt(), "room": _ROOM}
        await page.evaluate(f"(given) => window.ends.{kind}.{role}(given)", given)

    async def through(self, scene: Scene, path: Impairment, seconds: float) -> Figures:
        """So many seconds of a bad path, then a good one until full pictures are back, or long enough."""
        began = await self._now()
        path.set(up=scene.up, down=scene.down)
        await asyncio.sleep(seconds)
        path.set()
        ended = await self._now()
        await self._until_full(ended, _BACK)
        return figures(await self._samples(), began, ended, FULL_WIDTH)

    async def _until_full(self, since: float, patience: float) -> float | None:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            await asyncio.sleep(0.5)
            found = recovery(await self._samples(), since, FULL_WIDTH)
            if found is not None:
                return found
        return None

    async def _now(self) -> float:
        now: float = await self._subscriber.evaluate("() => performance.now() / 1000")
        return now

    async def _samples(self) -> list[Sample]:
        rows = await self._subscriber.evaluate("() => window.samples")
        return [Sample(**{**row, "at": row["at"] / 1000}) for row in rows]
