"""A call from other computers: over HTTPS with the self-signed certificate, one over IPv4 and one over IPv6.

The server is one network namespace, each person's computer another, joined to it by a virtual cable. The
server has two addresses on each cable and announces the second of each for media, so that there is a call
only if it answers from the address that was asked. With ``PICTURE=FILE`` in the environment the call is
photographed (`make picture`).
"""

import base64
import hashlib
import os
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Page, Playwright

from tests.e2e import browser
from tests.e2e.machines import Machine, cable, machines
from tests.e2e.portal import Portal, running_portal
from tests.e2e.test_first_call import wait_until

pytestmark = [pytest.mark.media, pytest.mark.browser]

FOUR, SIX = "10.77.0.1", "fd77::1"
MEDIA = {FOUR: "10.77.0.9", SIX: "fd77::9"}


@dataclass(frozen=True)
class Office:
    """The portal, and the two computers from which it is visited."""

    portal: Portal
    four: Machine
    six: Machine

    def url(self, host: str) -> str:
        return f"https://{f'[{host}]' if ':' in host else host}:{self.portal.port}"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with machines(3) as (server, four, six):
        cable(server, [f"{FOUR}/24", f"{MEDIA[FOUR]}/24"], four, ["10.77.0.2/24"])
        cable(server, [f"{SIX}/64", f"{MEDIA[SIX]}/64"], six, ["fd77::2/64"])
        variables = {
            "VISIO_HOST": "::",
            "VISIO_TLS": "self-signed",
            "VISIO_MEDIA_IP": ",".join(MEDIA.values()),
        }
        data = tmp_path_factory.mktemp("office")
        with running_portal(data, variables=variables, on=server) as portal:
            yield Office(portal, four, six)


def _trusted_key(office: Office, machine: Machine, host: str) -> str:
    """Compares the certificate that a machine is shown with the printed one; answers with Chromium's flag.

    The flag lets this one key pass the warning that a person clicks away after the same comparison.
    """
    ask = f"import ssl; print(ssl.get_server_certificate(({host!r}, {office.portal.port})))"
    shown = machine.run(sys.executable, "-c", ask)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
    assert digest == office.portal.fingerprint.replace(":", "").lower()
    key = x509.load_pem_x509_certificate(shown.encode()).public_key()
    spki = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return f"--ignore-certificate-errors-spki-list={base64.b64encode(spki).decode()}"


def _sees_and_hears(page: Page) -> None:
    frames, energy = browser.video_frames(page), browser.heard_energy(page)
    wait_until(lambda: browser.video_frames(page) > frames + 10, 60, "the other's video advances")
    wait_until(lambda: browser.heard_energy(page) > energy, 60, "the other's sound grows")


def test_people_at_two_other_computers_meet(
    office: Office, playwright: Playwright, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    wrong: dict[str, list[str]] = {}
    code, accounts = _meeting_of_two(office.portal)
    with ExitStack() as browsers:
        pages: dict[str, Page] = {}
        for host, machine in ((FOUR, office.four), (SIX, office.six)):
            program = machine.program("chromium", tmp_path)
            trusted = _trusted_key(office, machine, host)
            started = browser.chromium(playwright, tmp_path / str(machine.keeper), trusted, program=program)
            context = browsers.enter_context(started)
            pages[host], wrong[host] = browser.open_page(context, office.url(host))
            browser.sign_in(pages[host], office.url(host), accounts[host])
            pages[host].goto(f"{office.url(host)}/{code}/")
            assert pages[host].evaluate("window.isSecureContext")
            browser.join(pages[host])
        for host, page in pages.items():
            _sees_and_hears(page)
            assert page.url == f"{office.url(host)}/{code}/"
            ends = browser.media_ends(page)
            assert {other for _, other in ends} == {MEDIA[host]}
            record_property("figure", f"{page.url} sent its media to {ends[0][1]}")
        _photograph(pages[FOUR], pages[SIX])
    assert wrong == {FOUR: [], SIX: []}


def _meeting_of_two(portal: Portal) -> tuple[str, dict[str, dict[str, str]]]:
    """A meeting's code, and who comes over which address."""
    host, other = portal.command("demo")["ministries"][1]["staff"][:2]
    made = portal.command(
        "meeting_create", "--ministry", "climate", "--host", host["email"], "--title", "From afar"
    )
    portal.command("join_token", made["code"], "--as", other["email"])  # which invites
    return made["code"], {FOUR: host, SIX: other}


def _photograph(alice: Page, ben: Page) -> None:
    if not (picture := os.environ.get("PICTURE")):
        return
    for page in (alice, ben):
        page.set_viewport_size({"width": 1200, "height": 720})
        page.click("[data-testid=chat]")
        page.fill("[data-testid=chat-input]", f"I am at {page.url}")
        page.click("[data-testid=chat-send]")
    alice.wait_for_selector("[data-testid=chat-message] >> text=fd77")
    alice.wait_for_timeout(1500)
    alice.screenshot(path=picture)


def _answer(machine: Machine, url: str) -> tuple[int, str]:
    """Status and Location of a plain request from a machine, no redirection followed."""
    ask = (
        "import http.client, sys, urllib.parse as parse; url = parse.urlsplit(sys.argv[1]);"
        "asking = http.client.HTTPConnection(url.hostname, url.port, timeout=10);"
        "asking.request('GET', url.path); answer = asking.getresponse();"
        "print(answer.status, answer.headers['Location'])"
    )
    status, location = machine.run(sys.executable, "-c", ask, url).split()
    return int(status), location


@pytest.mark.parametrize("host", [FOUR, SIX])
def test_who_types_http_from_another_computer_is_led_to_https_and_gets_nothing_else(
    office: Office, host: str
) -> None:
    machine = office.four if host == FOUR else office.six
    for path in ("/accounts/login/", "/rtc/v1/validate", "/twirp/livekit.RoomService/ListRooms"):
        plain = office.url(host).replace("https", "http") + path
        assert _answer(machine, plain) == (302, office.url(host) + path)


def test_the_operator_is_told_every_address_at_which_others_come_in(office: Office) -> None:
    told = office.portal.wait_for_log("From other machines: ")
    assert set(told.split()) >= {office.url(host) for host in (FOUR, SIX, *MEDIA.values())}
