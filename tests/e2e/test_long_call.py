"""A live call of more than three minutes, whose last words are found and play: `make test-long`."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.e2e import browser
from tests.e2e.portal import Portal
from tests.e2e.speech import speech_file
from tests.e2e.test_first_call import plays_from, wait_for_transcript

pytestmark = [pytest.mark.media, pytest.mark.browser, pytest.mark.long]


def test_a_word_at_minute_three_of_a_long_live_call_is_found_and_plays(
    portal: Portal, playwright: Playwright, tmp_path: Path
) -> None:
    person = portal.command("demo")["ministries"][1]["staff"][2]
    voice = tmp_path / "clara.wav"
    filler = ["we should send the document to the ministry before friday"]
    first = speech_file(filler, "slt", voice, lead=195)
    assert first > 195
    made = portal.command(
        "meeting_create", "--ministry", "climate", "--host", person["email"], "--title", "Long"
    )
    with browser.chromium(playwright, tmp_path / "c", voice=voice) as opened:
        page, wrong = browser.open_page(opened)
        browser.sign_in(page, portal.url, person)
        page.goto(f"{portal.url}/{made['code']}/")
        browser.join(page)
        portal.command("recording", "start", made["code"], "--as", person["email"])
        time.sleep(first)
        portal.command("recording", "stop", made["code"], "--as", person["email"])
        wait_for_transcript(portal, made["code"])
        (hit,) = portal.command("archive_search", "ministry friday", "--as", person["email"])["hits"]
        assert hit["start"] > 170
        page.goto(f"{portal.url}/search/?q=ministry+friday")
        page.click("a[href*='/transcript/?t=']")
        plays_from(page, hit["start"])
        assert not wrong
