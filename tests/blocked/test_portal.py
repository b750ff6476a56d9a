"""The portal's own pages, its embedded relay and its content security policy, behind the same firewall."""

import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from tests.blocked.browsers import trust
from tests.blocked.coturn import NAME, TLS_PORT
from tests.blocked.office import MEDIA_PORT, RELAY, Network, blocked_network
from tests.e2e import browser
from tests.e2e.portal import Portal, running_portal
from tests.e2e.test_first_call import wait_until

pytestmark = [pytest.mark.media, pytest.mark.browser, pytest.mark.long]

URL = f"turns:{NAME}:{TLS_PORT}?transport=tcp"
# By which protocol this end reaches the TURN server, of the pair of candidates in use.
_RELAY_PROTOCOL = """async () => {
  const rows = await window.__connections.at(-1).getStats();
  const transport = [...rows.values()].find((row) => row.type === 'transport');
  const pair = rows.get(transport.selectedCandidatePairId);
  return rows.get(pair.localCandidateId).relayProtocol ?? rows.get(pair.localCandidateId).protocol;
}"""


@pytest.fixture
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


def _program(network: Network, folder: Path) -> str:
    """Chromium, run in the office."""
    found = shutil.which("chromium")
    assert found is not None
    script = folder / "chromium-in-the-office"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(network.inside(found))} "$@"\n')
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize(("media_tcp", "expected"), [(False, "tls"), (True, "tcp")], ids=["turns", "tcp"])
def test_two_people_meet_in_the_portal(
    media_tcp: bool,
    expected: str,
    playwright: Playwright,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    with ExitStack() as stack:
        network = stack.enter_context(blocked_network(tmp_path, media_tcp=media_tcp))
        variables = {
            "VISIO_HOST": RELAY,
            "VISIO_MEDIA_IP": RELAY,
            "VISIO_UDP_PORT": str(MEDIA_PORT),
            **network.variables(URL),
        }
        portal = stack.enter_context(
            running_portal(tmp_path / "data", variables=variables, on=network.server)
        )
        code, accounts = _meeting_of_two(portal)
        pages = []
        for account in accounts:
            context = stack.enter_context(_chromium(playwright, network, portal, tmp_path / account["email"]))
            page, _ = browser.open_page(context, _origin(portal))
            browser.sign_in(page, _origin(portal), account)
            page.goto(f"{_origin(portal)}/{code}/")
            browser.join(page)
            pages.append(page)
        for page in pages:
            _sees_and_hears(page)
            used = page.evaluate(_RELAY_PROTOCOL)
            record_property("figure", f"{page.url}: {used}")
            assert used == expected
        assert not portal.logged(network.turn.secret)


def _origin(portal: Portal) -> str:
    return f"http://{RELAY}:{portal.port}"


def _chromium(
    playwright: Playwright, network: Network, portal: Portal, home: Path
) -> AbstractContextManager[BrowserContext]:
    """A browser in the office, with a home folder of its own, that trusts the TURN server's authority."""
    trust(network.turn.authority, home / ".pki" / "nssdb")
    return browser.chromium(
        playwright,
        home / "profile",
        f"--unsafely-treat-insecure-origin-as-secure={_origin(portal)}",
        program=_program(network, home),
        env={"HOME": str(home)},
    )


def _meeting_of_two(portal: Portal) -> tuple[str, list[dict[str, str]]]:
    """A meeting's code, and two who may come."""
    host, other = portal.command("demo")["ministries"][1]["staff"][:2]
    made = portal.command(
        "meeting_create", "--ministry", "climate", "--host", host["email"], "--title", "From within"
    )
    portal.command("join_token", made["code"], "--as", other["email"])  # which invites
    return made["code"], [host, other]


def _sees_and_hears(page: Page) -> None:
    frames, energy = browser.video_frames(page), browser.heard_energy(page)
    wait_until(lambda: browser.video_frames(page) > frames + 10, 60, "the other's video advances")
    wait_until(lambda: browser.heard_energy(page) > energy, 60, "the other's sound grows")
