"""The spine: two people meet in browsers, are recorded, transcribed under their names, and found again.

Real parts only: the server process, Chromium, flite speaking into fake microphones, relay, recogniser.
"""

import re
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import jiwer
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Playwright, expect

from tests.e2e import browser
from tests.e2e.portal import Portal
from tests.e2e.speech import speech_file

pytestmark = [pytest.mark.media, pytest.mark.browser]

RecordProperty = Callable[[str, object], None]

ALICE_SAYS = [
    "good morning everyone and thank you for joining the meeting",
    "the first point on the agenda is the budget for next year",
    "i would like to know when the report will be ready",
    "we should send the document to the ministry before friday",
    "please write down the decision and share it with the team",
    "the next meeting will take place on monday",
]
BEN_SAYS = [
    "i agree with what was said but we need more time",
    "how many people are going to work on this project",
    "the new building will open in the middle of september",
    "can you hear me now or should i change my microphone",
    "we have to find another room for the training",
    "thank you very much and see you next week",
]
TITLE = "Budget for next year"
VOICES = {"Alice Martin": ("slt", ALICE_SAYS), "Ben Fischer": ("rms", BEN_SAYS)}

# What the host reads of each person's connection, line by line.
BOTH_WAYS = {
    "Bitrate": r"([1-9]\d* kbit/s|[\d.]+ Mbit/s){2}",
    "Lost packets": r"([\d.]+%){2}",
    "Pictures": r"(large|medium|small|one size).*(large|medium|small|one size)",
    "There and back": r"\d+ ms",
}

# Speech must begin after the recording does: the microphones open with the previews.
ALICE_LEAD, BEN_LEAD = 26.0, 16.0
WORST_ERROR_RATE = 0.10


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.25)


def wait_for_transcript(portal: Portal, meeting: str, seconds: float = 180) -> dict[str, Any]:
    """The finished transcript, asked for by the command that scripts use."""
    deadline = time.monotonic() + seconds
    while True:
        answer = portal.command("transcript", meeting)
        if answer["state"] in ("ready", "unavailable", "failed"):
            return answer
        assert time.monotonic() < deadline, f"no transcript within {seconds} s: {answer}"
        time.sleep(2)


def said_by(transcript: dict[str, Any], speaker: str) -> str:
    return " ".join(turn["text"] for turn in transcript["turns"] if turn["speaker"] == speaker).lower()


def _frames_advance(page: Page) -> None:
    before = browser.video_frames(page)
    wait_until(lambda: browser.video_frames(page) > before + 10, 30, "the other's video advances")


def test_two_people_meet_are_recorded_and_found_again(
    portal: Portal, playwright: Playwright, tmp_path: Path, record_property: RecordProperty
) -> None:
    staff = portal.command("demo")["ministries"][1]["staff"]
    alice_voice, ben_voice = tmp_path / "alice.wav", tmp_path / "ben.wav"
    speech_ends = max(
        speech_file(ALICE_SAYS, "slt", alice_voice, lead=ALICE_LEAD),
        speech_file(BEN_SAYS, "rms", ben_voice, lead=BEN_LEAD),
    )
    with (
        browser.chromium(playwright, tmp_path / "a", voice=alice_voice) as alice_browser,
        browser.chromium(playwright, tmp_path / "b", voice=ben_voice) as ben_browser,
    ):
        alice, alice_wrong = browser.open_page(alice_browser)
        ben, ben_wrong = browser.open_page(ben_browser)
        browser.sign_in(alice, portal.url, staff[0])
        browser.sign_in(ben, portal.url, staff[1])
        opened = time.monotonic()
        code = _alice_starts_a_meeting(alice)
        ben_opened = _ben_is_invited_and_joins(alice, ben, f"{portal.url}/{code}/", staff[1])
        _alice_records_and_everyone_is_told(alice, ben)
        recording = time.monotonic()
        assert recording - opened < ALICE_LEAD - 1, "Alice spoke before the recording began: raise ALICE_LEAD"
        assert recording - ben_opened < BEN_LEAD - 1, "Ben spoke before the recording began: raise BEN_LEAD"
        _frames_advance(alice)
        _frames_advance(ben)
        _chat(alice, ben)
        _the_host_sees_how_well_both_are_connected(alice)
        _others_see_their_own_connection_alone(ben)
        time.sleep(max(0.0, opened + speech_ends + 1.5 - time.monotonic()))
        assert browser.heard_energy(alice) > 0.01, "Alice heard nothing"
        assert browser.heard_energy(ben) > 0.01, "Ben heard nothing"
        _alice_stops_and_both_leave(alice, ben)
        transcript = wait_for_transcript(portal, code)
        assert transcript["state"] == "ready"
        _names_and_words(transcript, record_property)
        _find_and_play(portal, alice, staff[0]["email"])
        assert not alice_wrong
        assert not ben_wrong
    assert not portal.logged("eyJ"), "a token reached the log"


def _alice_starts_a_meeting(alice: Page) -> str:
    """Through the form of the home page; answers with the meeting's code."""
    alice.fill("input[name=title]", TITLE)
    alice.click("form[action='/meetings/start'] button")
    browser.join(alice)
    return re.findall(r"[a-z]{3}-[a-z]{4}-[a-z]{3}", alice.url)[0]


def _ben_is_invited_and_joins(alice: Page, ben: Page, room: str, account: dict[str, str]) -> float:
    """Answers with the time at which Ben's microphone was opened."""
    _invite(alice, account["email"])
    opened = time.monotonic()
    ben.goto(room)
    browser.join(ben)
    alice.wait_for_selector(f"[data-testid=tile] >> text={account['name']}")
    return opened


def _alice_records_and_everyone_is_told(alice: Page, ben: Page) -> None:
    alice.click("[data-testid=record]")
    alice.click("[data-testid=record-confirm]")
    alice.wait_for_selector("[data-testid=recording-mark]:visible")
    ben.click("[data-testid=consent-agree]")
    ben.wait_for_selector("[data-testid=recording-mark]:visible")


def _alice_stops_and_both_leave(alice: Page, ben: Page) -> None:
    alice.click("[data-testid=record]")
    alice.click("[data-testid=record-stop-confirm]")
    alice.wait_for_selector("[data-testid=recording-mark]", state="hidden")
    for page in (ben, alice):
        page.click("[data-testid=leave]")
        page.wait_for_selector("[data-testid=left]:visible")


def _invite(page: Page, email: str) -> None:
    page.click("[data-testid=invite]")
    row = page.locator("[data-testid=colleagues] li", has_text=email)
    row.get_by_role("button").click()
    expect(row).to_contain_text("Invited")
    page.keyboard.press("Escape")


def _chat(alice: Page, ben: Page) -> None:
    alice.click("[data-testid=chat]")
    alice.fill("[data-testid=chat-input]", "The agenda is in the shared folder.")
    alice.click("[data-testid=chat-send]")
    ben.click("[data-testid=chat]")
    ben.wait_for_selector("[data-testid=chat-message] >> text=The agenda is in the shared folder.")


def _the_host_sees_how_well_both_are_connected(alice: Page) -> None:
    """Opened and closed by keyboard; with real figures in it, axe-core finds nothing, wide or narrow."""
    alice.keyboard.press("Escape")  # out of the chat
    alice.keyboard.press("Alt+Shift+KeyN")
    rows = alice.get_by_test_id("connection")
    expect(rows).to_have_count(2)
    for row, (line, figures) in product(rows.all(), BOTH_WAYS.items()):
        expect(row.locator("tr", has_text=line)).to_have_text(re.compile(figures))
    assert _axe_finds(alice) == []
    alice.set_viewport_size({"width": 360, "height": 800})
    assert _axe_finds(alice) == []
    alice.set_viewport_size({"width": 1280, "height": 720})
    alice.keyboard.press("Escape")
    expect(alice.get_by_test_id("quality")).to_be_focused()


def _others_see_their_own_connection_alone(ben: Page) -> None:
    ben.click("[data-testid=quality]")
    expect(ben.get_by_test_id("quality-status")).to_have_text("You are well connected.")
    expect(ben.get_by_test_id("connection")).to_have_count(1)
    expect(ben.get_by_test_id("connection")).to_contain_text("Ben Fischer (you)")


def _axe_finds(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]


def _names_and_words(transcript: dict[str, Any], record_property: RecordProperty) -> None:
    assert {turn["speaker"] for turn in transcript["turns"]} == set(VOICES)
    for name, (voice, sentences) in VOICES.items():
        heard = said_by(transcript, name)
        rate = jiwer.wer(" ".join(sentences), heard)
        record_property("figure", f"word error rate of {name} ({voice}): {rate:.1%}")
        assert rate <= WORST_ERROR_RATE, f"{name}: {rate:.1%}: {heard}"


def _find_and_play(portal: Portal, page: Page, email: str) -> None:
    """By the command and by the page: the passage is found, and a click plays from it."""
    hits = portal.command("archive_search", "september", "--as", email)["hits"]
    assert [hit["speaker"] for hit in hits if hit["title"] == TITLE] == ["Ben Fischer"]
    assert hits[0]["title"] == TITLE, "the newest meeting comes first"
    page.goto(f"{portal.url}/search/?q=september")
    expect(page.locator("mark").first).to_have_text(re.compile("september", re.I))
    page.click("a[href*='/transcript/?t=']")
    plays_from(page, hits[0]["start"])


def plays_from(page: Page, seconds: float) -> None:
    """The page's player runs, and is within two seconds after the given time."""
    page.wait_for_selector("audio, video", state="attached")
    clock = (
        "() => Math.max(...[...document.querySelectorAll('audio, video')].map((media) => media.currentTime))"
    )
    wait_until(lambda: page.evaluate(clock) >= seconds - 0.5, 20, f"the player is at {seconds} s")
    if page.evaluate("() => [...document.querySelectorAll('audio, video')].every((media) => media.paused)"):
        page.evaluate("() => document.querySelector('audio, video').play()")
    first = page.evaluate(clock)
    assert seconds - 0.5 <= first <= seconds + 3
    wait_until(lambda: page.evaluate(clock) > first + 0.3, 20, "the player runs")
