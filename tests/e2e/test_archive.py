"""After the call: a passage deep in a long recording, a language without engine, and who sees it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.e2e import browser
from tests.e2e.portal import ROOT, Portal
from tests.e2e.test_first_call import plays_from, wait_for_transcript

pytestmark = pytest.mark.browser

MINUTE_THREE = 185.0


def _recorded(
    portal: Portal, ministry: int, title: str, *, at: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A meeting of the demo with a recording in which its host speaks at *at* seconds."""
    demo = portal.command("demo")["ministries"][ministry]
    host = demo["staff"][0]
    made = portal.command(
        "meeting_create", "--ministry", demo["slug"], "--host", host["email"], "--title", title
    )
    program = [sys.executable, "-m", "tests.e2e.lay_recording", made["code"], str(at)]
    subprocess.run(program, cwd=ROOT, env=portal.environment, check=True)
    return made, demo


@pytest.fixture(scope="module")
def long_meeting(portal: Portal) -> tuple[dict[str, Any], dict[str, Any]]:
    made, demo = _recorded(portal, 1, "A long meeting", at=MINUTE_THREE)
    assert wait_for_transcript(portal, made["code"])["state"] == "ready"
    return made, demo


def test_a_word_at_minute_three_is_found_and_plays_from_there(
    portal: Portal,
    playwright: Playwright,
    long_meeting: tuple[dict[str, Any], dict[str, Any]],
    tmp_path: Path,
) -> None:
    made, demo = long_meeting
    hits = portal.command("archive_search", "building", "--as", demo["staff"][0]["email"])["hits"]
    (hit,) = [hit for hit in hits if hit["meeting"] == made["id"]]
    assert MINUTE_THREE < hit["start"] < MINUTE_THREE + 8
    with browser.chromium(playwright, tmp_path / "profile") as opened:
        page, wrong = browser.open_page(opened)
        browser.sign_in(page, portal.url, demo["staff"][0])
        page.goto(f"{portal.url}/search/?q=building")
        page.locator(".hit", has_text="A long meeting").locator("a.hit-play").click()
        plays_from(page, hit["start"])
        _a_click_on_a_word_plays_from_it(page)
        assert not wrong


def _a_click_on_a_word_plays_from_it(page: Page) -> None:
    page.evaluate("() => document.querySelector('audio, video').pause()")
    word = page.locator(".word", has_text="september").first
    start = float(word.get_attribute("data-start") or 0)
    word.click()
    plays_from(page, start)
    expect(page.locator(".turn[aria-current]")).to_contain_text("building")


def test_to_the_uninvited_and_to_the_other_ministry_nothing_of_it_exists(
    portal: Portal,
    playwright: Playwright,
    long_meeting: tuple[dict[str, Any], dict[str, Any]],
    tmp_path: Path,
) -> None:
    made, demo = long_meeting
    foreign = portal.command("demo")["ministries"][0]
    with browser.chromium(playwright, tmp_path / "host") as opened:
        page, _ = browser.open_page(opened)
        browser.sign_in(page, portal.url, demo["staff"][0])
        page.goto(f"{portal.url}/meetings/{made['id']}/")
        transcript = page.locator("a[href$='/transcript/']").first.get_attribute("href") or ""
        media = page.locator("audio, video, source").first.get_attribute("src") or ""
    paths = [f"/meetings/{made['id']}/", f"/{made['code']}/", transcript, media]
    assert all(path.startswith("/") for path in paths)
    for person in (demo["staff"][1], foreign["staff"][0], foreign["admin"], demo["auditor"]):
        with browser.chromium(playwright, tmp_path / person["email"]) as opened:
            page, _ = browser.open_page(opened)
            browser.sign_in(page, portal.url, person)
            statuses = {path: page.request.get(portal.url + path).status for path in paths}
            assert set(statuses.values()) == {404}, (person["email"], statuses)
        assert portal.command("archive_search", "building", "--as", person["email"])["hits"] == []
    refused = portal.try_command("join_token", made["code"], "--as", foreign["staff"][0]["email"])
    assert refused.returncode != 0
    assert refused.stdout == ""


def test_a_french_meeting_keeps_its_recording_and_says_what_is_missing(
    portal: Portal, playwright: Playwright, tmp_path: Path
) -> None:
    made, demo = _recorded(portal, 0, "Réunion de rentrée", at=2.0)
    transcript = wait_for_transcript(portal, made["code"])
    assert (transcript["state"], transcript["turns"]) == ("unavailable", [])
    assert "French" in transcript["reason"]
    with browser.chromium(playwright, tmp_path / "profile", locale="fr-FR") as opened:
        page, wrong = browser.open_page(opened)
        browser.sign_in(page, portal.url, demo["staff"][0])
        page.goto(f"{portal.url}/meetings/{made['id']}/")
        expect(page.locator(".transcript-state")).to_contain_text("Aucun moteur de reconnaissance vocale")
        expect(page.locator(".transcript-state")).to_contain_text("faster_whisper")
        assert page.evaluate("() => document.querySelector('audio, video').play().then(() => true)")
        assert not wrong
