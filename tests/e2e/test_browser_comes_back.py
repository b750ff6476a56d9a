"""A browser in a call whose relay is killed: back, on the same page, within seconds of a relay's return."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright

from tests.e2e import browser, lay_call
from tests.e2e.portal import Portal
from tests.e2e.processes import deployment, several_relays
from tests.e2e.speech import speech_file
from tests.e2e.test_first_call import wait_until
from tests.e2e.test_sdk_interop import SdkParticipant, _LoopThread

pytestmark = [pytest.mark.media, pytest.mark.browser, pytest.mark.long]

BACK_WITHIN = 5.0


def test_a_browser_comes_back_by_the_other_relay(
    tmp_path: Path, playwright: Playwright, record_property: Callable[[str, object], None]
) -> None:
    """Its relay is killed and stays dead."""
    with several_relays(tmp_path / "data") as (portal, relays), _call(tmp_path, playwright, portal):
        victim = next(relay for relay in relays if connected(relay.log))
        (other,) = (relay for relay in relays if relay is not victim)
        killed = victim.kill()
        wait_until(lambda: connected(other.log), 30, "the browser's media connect again")
        back = time.time() - killed
    record_property("figure", f"one relay of two killed: browser back after {back:.1f} s")
    assert back < BACK_WITHIN


@pytest.mark.parametrize("relay_apart", [False, True], ids=["embedded", "apart"])
def test_a_browser_comes_back_to_the_same_address(
    tmp_path: Path, relay_apart: bool, playwright: Playwright, record_property: Callable[[str, object], None]
) -> None:
    with (
        deployment(tmp_path / "data", relay_apart=relay_apart) as (portal, relay),
        _call(tmp_path, playwright, portal) as page,
    ):
        relay.kill()
        page.wait_for_timeout(3000)  # the browser has noticed, and tries again and again
        lines = len(relay.log)
        ready = relay.start()
        wait_until(lambda: connected(relay.log[lines:]), 30, "the browser's media connect again")
        back = time.time() - ready
        record_property(
            "figure",
            f"relay {'apart' if relay_apart else 'embedded'} killed: browser back after {back:.1f} s",
        )
        assert back < BACK_WITHIN


@contextmanager
def _call(folder: Path, playwright: Playwright, portal: Portal) -> Iterator[Page]:
    """A browser and an SDK in one meeting, and the browser hears the SDK."""
    voice = folder / "voice.wav"
    speech_file(["one two three four five six seven eight nine ten"] * 30, "slt", voice, lead=0.5)
    with browser.chromium(playwright, folder / "profile", voice=voice) as opened:
        laid = portal.program("tests.e2e.lay_call")
        page, _ = browser.open_page(opened)
        browser.sign_in(page, portal.url, {"email": lay_call.HOST, "password": lay_call.PASSWORD})
        page.goto(f"{portal.url}/{laid['code']}/")
        page.wait_for_selector("[data-testid=join]:visible")
        browser.join(page)
        sdk, loop = SdkParticipant(), _LoopThread()
        try:
            loop.start_participant(sdk, laid["people"][1])
            wait_until(lambda: browser.heard_energy(page) > 0.01, 40, "the browser hears the SDK")
            yield page
        finally:
            loop.stop()


def connected(log: list[str]) -> bool:
    """Whether a signed-in person's media have connected, by the relay's log."""
    return any("user-" in line and "transport connected" in line for line in log)
