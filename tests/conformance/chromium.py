"""Chromium, driven by Playwright."""

import shutil
from pathlib import Path

from playwright.async_api import BrowserContext, Page, Playwright, async_playwright

_VERSION = """async () => (await navigator.userAgentData.getHighEntropyValues(['fullVersionList']))
  .fullVersionList.find(({brand}) => brand === 'Chromium').version"""
# End-to-end encryption and userAgentData work though the page comes over plain HTTP.
_FLAGS = [
    "--unsafely-treat-insecure-origin-as-secure=ORIGIN",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--autoplay-policy=no-user-gesture-required",
]


class Chromium:
    """One headless Chromium with its own profile."""

    def __init__(self, profile: Path, origin: str) -> None:
        self._profile, self._origin = profile, origin
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._page: Page | None = None
        self.version = ""

    async def start(self) -> None:
        self._playwright = await async_playwright().start()
        flags = [flag.replace("ORIGIN", self._origin) for flag in _FLAGS]
        self._context = await self._playwright.chromium.launch_persistent_context(
            str(self._profile), executable_path=shutil.which("chromium"), args=flags, headless=True
        )
        self._page = self._context.pages[0]

    async def open(self, url: str) -> None:
        assert self._page is not None
        await self._page.goto(url)
        self.version = await self._page.evaluate(_VERSION)

    async def run(self, function: str, argument: str) -> str:
        """Calls an asynchronous JavaScript function from text to text; raises what it threw."""
        assert self._page is not None
        text: str = await self._page.evaluate(function, argument)
        return text

    async def stop(self) -> None:
        if self._context is not None:
            await self._context.close()
        if self._playwright is not None:
            await self._playwright.stop()
        shutil.rmtree(self._profile, ignore_errors=True)
