"""Every page as a reader meets it: in both languages, wide and light, then narrow and dark.

On each, axe-core finds nothing, nothing hangs over the side, the console is silent, and nobody else is asked.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright

from tests.e2e import browser
from tests.e2e.portal import ROOT, Portal
from tests.e2e.test_first_call import wait_for_transcript

pytestmark = pytest.mark.browser

LOOKS: list[tuple[int, Literal["light", "dark"]]] = [(1280, "light"), (360, "dark")]
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
AXE, ONLY_VIOLATIONS = Axe(), {"resultTypes": ["violations"]}
OVERHANG = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(frozen=True)
class Visit:
    """A page: its address, with names of the archive in it, what must be in sight, and who asks for it.

    ``follow`` is a link of that address which leads to the page meant.
    """

    path: str
    sight: str
    follow: str = ""
    status: int = 200
    signed_in: bool = True
    transcribed: bool = False


# What needs the transcript comes last: the server writes it meanwhile.
VISITS = {
    "sign-in": Visit("/accounts/login/", "input[name=password]", signed_in=False),
    "guest refused": Visit("/{code}/", ".notice", signed_in=False),
    "home": Visit("/", ".meeting-item"),
    "before joining": Visit("/{code}/", "#join:enabled"),
    "search": Visit("/search/", ".empty"),
    "no hits": Visit("/search/?q=zebra", ".empty"),
    "deletion": Visit("/meetings/{heard}/delete", "button.danger"),
    "change password": Visit("/accounts/password/change/", "input[name=oldpassword]"),
    "two-step sign-in": Visit("/accounts/2fa/", ".account-panel"),
    "confirm the password": Visit("/accounts/2fa/totp/activate/", "input[name=password]"),
    "sign out": Visit("/accounts/logout/", "main form button"),
    "not found": Visit("/nothing-of-this-name", ".fault", status=404),
    "meeting": Visit("/meetings/{heard}/", "a[href$='/transcript/']", transcribed=True),
    "hits": Visit("/search/?q=building", ".hit mark", transcribed=True),
    "transcript, playing": Visit("/search/?q=building", ".word.said", follow=".hit-play", transcribed=True),
    "meeting without a recogniser": Visit("/meetings/{unheard}/", ".transcript-state .notice"),
}


@dataclass(frozen=True)
class Archive:
    """A ministry with two recorded meetings: one transcribed, one in a language nobody here understands."""

    person: dict[str, str]
    names: dict[str, str]


@dataclass(frozen=True)
class Reader:
    """A page in one language, signed in, and what its console says."""

    page: Page
    language: str
    names: dict[str, str]
    wrong: list[str]


@pytest.fixture(scope="module")
def archive(portal: Portal) -> Archive:
    demo = portal.command("demo")["ministries"][1]
    heard, unheard = (_meeting(portal, demo, language) for language in ("en", "fr"))
    laying = [_lay_recording(portal, meeting["code"]) for meeting in (heard, unheard)]
    assert [process.wait(60) for process in laying] == [0, 0]
    return Archive(demo["staff"][2], {"code": heard["code"], "heard": heard["id"], "unheard": unheard["id"]})


def _meeting(portal: Portal, demo: dict[str, Any], language: str) -> dict[str, Any]:
    host = ["--ministry", demo["slug"], "--host", demo["staff"][2]["email"]]
    return portal.command("meeting_create", *host, "--title", "Opening day", "--language", language)


def _lay_recording(portal: Portal, code: str) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "tests.e2e.lay_recording", code, "2"]
    return subprocess.Popen(program, cwd=ROOT, env=portal.environment)


@pytest.fixture(scope="module")
def transcript(portal: Portal, archive: Archive) -> None:
    assert wait_for_transcript(portal, archive.names["code"])["state"] == "ready"


@pytest.fixture(scope="module", params=LOCALES)
def reader(
    request: pytest.FixtureRequest,
    portal: Portal,
    playwright: Playwright,
    archive: Archive,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Reader]:
    language: str = request.param
    profile = tmp_path_factory.mktemp("reader")
    with browser.chromium(playwright, profile, locale=LOCALES[language]) as opened:
        page, wrong = browser.open_page(opened)
        page.on("console", lambda message: _note_error(message, page, wrong))
        browser.sign_in(page, portal.url, archive.person)
        yield Reader(page, language, archive.names, wrong)


def _note_error(message: ConsoleMessage, page: Page, wrong: list[str]) -> None:
    """A page that answers 404 on purpose is itself such an error; its parts are not."""
    if message.type == "error" and message.location["url"] != page.url:
        wrong.append(message.text)


@pytest.mark.parametrize("name", VISITS)
def test_a_page_is_sound(portal: Portal, reader: Reader, name: str, request: pytest.FixtureRequest) -> None:
    visit, page = VISITS[name], reader.page
    if visit.transcribed:
        request.getfixturevalue("transcript")
    reader.wrong.clear()
    with _cookies_of(page.context, visit.signed_in):
        _go(reader, portal.url, visit)
        assert page.get_attribute("html", "lang") == reader.language
        found = [fault for width, scheme in LOOKS for fault in _faults(page, width, scheme)]
    assert found == []
    assert reader.wrong == []


@contextmanager
def _cookies_of(context: BrowserContext, signed_in: bool) -> Iterator[None]:
    """Whoever is not to be signed in puts their cookies aside for the while."""
    cookies = context.cookies()
    if not signed_in:
        context.clear_cookies()
    yield
    if not signed_in:
        context.clear_cookies()
        context.add_cookies(cookies)  # type: ignore[arg-type]  # as cookies() gave them


def _go(reader: Reader, url: str, visit: Visit) -> None:
    page = reader.page
    page.set_viewport_size({"width": LOOKS[0][0], "height": 800})
    answer = page.goto(url + visit.path.format(**reader.names))
    assert answer is not None
    assert answer.status == visit.status
    if visit.follow:
        page.click(visit.follow)
    page.wait_for_selector(visit.sight)


def _faults(page: Page, width: int, scheme: Literal["light", "dark"]) -> list[str]:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    overhang = page.evaluate(OVERHANG)
    found = [f"hangs {overhang} px over the side"] if overhang > 0 else []
    for rule in AXE.run(page, options=ONLY_VIOLATIONS).response["violations"]:
        found.append(f"{rule['id']}: {[node['target'] for node in rule['nodes']]}")
    return [f"{width} px, {scheme}: {fault}" for fault in found]
