"""Real Chromium with a fake camera and a voice in its fake microphone."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]

# Keeps every peer connection of the page where the test can ask for its statistics.
_KEEP_CONNECTIONS = """
window.__connections = [];
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(...given) { super(...given); window.__connections.push(this); }
};
"""

_STATISTICS = """
async () => {
  const found = [];
  for (const connection of window.__connections) {
    (await connection.getStats()).forEach((row) => {
      if (row.type === 'inbound-rtp') found.push({kind: row.kind, frames: row.framesDecoded ?? 0,
        energy: row.totalAudioEnergy ?? 0, width: row.frameWidth ?? 0});
    });
  }
  return found;
}
"""

# The addresses between which the media goes: of each transport's pair in use, this end and the other.
_ENDS = """
async () => {
  const ends = [];
  for (const connection of window.__connections) {
    const rows = await connection.getStats();
    rows.forEach((row) => {
      const pair = row.type === 'transport' && rows.get(row.selectedCandidatePairId);
      const ids = pair ? [pair.localCandidateId, pair.remoteCandidateId] : [];
      if (pair) ends.push(ids.map((id) => rows.get(id).address));
    });
  }
  return ends;
}
"""


@contextmanager
def chromium(
    playwright: Playwright,
    profile: Path,
    *further_flags: str,
    voice: Path | None = None,
    locale: str = "en-GB",
    program: str | None = None,
    **options: Any,
) -> Iterator[BrowserContext]:
    """A browser of its own, so that each participant has a microphone of their own. *voice* is not looped.

    *program* is run in place of the Chromium that is installed.
    """
    flags = [*_FLAGS, *further_flags]
    if voice is not None:
        flags.append(f"--use-file-for-fake-audio-capture={voice}%noloop")
    context = playwright.chromium.launch_persistent_context(
        str(profile),
        executable_path=program or shutil.which("chromium"),
        args=flags,
        headless=True,
        locale=locale,
        permissions=["camera", "microphone"],
        **options,
    )
    try:
        yield context
    finally:
        context.close()


def open_page(context: BrowserContext, origin: str = "http://localhost:") -> tuple[Page, list[str]]:
    """A page, and the list in which its errors and requests to hosts other than its own gather."""
    page = context.new_page()
    page.add_init_script(_KEEP_CONNECTIONS)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("request", lambda request: _note_foreign(request.url, origin, wrong))
    page.on("console", lambda message: _note_violation(message.text, wrong))
    page.on("console", lambda message: print(f"{message.type}: {message.text}"))  # noqa: T201  (shown on failure)
    return page, wrong


def _note_foreign(url: str, origin: str, wrong: list[str]) -> None:
    if not url.startswith((origin, origin.replace("http", "ws", 1), f"blob:{origin}", "data:")):
        wrong.append(f"foreign request: {url}")


def _note_violation(text: str, wrong: list[str]) -> None:
    if "Content Security Policy" in text:
        wrong.append(text)


def sign_in(page: Page, url: str, account: dict[str, str]) -> None:
    page.goto(f"{url}/accounts/login/")
    page.fill("input[name=login]", account["email"])
    page.fill("input[name=password]", account["password"])
    page.click("form[action='/accounts/login/'] button")
    page.wait_for_url(f"{url}/")


def join(page: Page) -> None:
    """From the preview into the room."""
    page.click("[data-testid=join]")
    page.wait_for_selector("[data-testid=leave]:visible")


def video_frames(page: Page) -> int:
    return sum(row["frames"] for row in page.evaluate(_STATISTICS) if row["kind"] == "video")


def media_ends(page: Page) -> list[list[str]]:
    """For each transport in use the addresses of this end (the browser may hide it) and of the other."""
    found: list[list[str]] = page.evaluate(_ENDS)
    return found


def heard_energy(page: Page) -> float:
    return sum(row["energy"] for row in page.evaluate(_STATISTICS) if row["kind"] == "audio")
