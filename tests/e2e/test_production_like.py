"""The same journeys on PostgreSQL and Redis, with pages, two relays and a worker in processes of their own.

The tests are those of the embedded portal; here they meet another one.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPResponse
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.e2e.portal import ROOT, Portal, production_like_portal
from tests.e2e.test_first_call import (  # noqa: F401
    test_two_people_meet_are_recorded_and_found_again,
    wait_for_transcript,
    wait_until,
)
from tests.e2e.test_refusals import (  # noqa: F401
    keys,
    test_forgeries_are_refused,
    test_no_token_is_ever_logged,
    test_signed_lies_are_refused_by_asking_the_portal,
    test_the_genuine_token_is_accepted,
    token,
)

pytestmark = [pytest.mark.media, pytest.mark.browser]


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with production_like_portal(tmp_path_factory.mktemp("production")) as running:
        yield running


def _get(portal: Portal, path: str, accept: str = "text/html") -> tuple[int, str]:
    try:
        with urlopen(Request(portal.url + path, headers={"Accept": accept}), timeout=30) as answer:
            answered: HTTPResponse = answer
            return answered.status, answered.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_a_drained_relay_ends_and_its_supervisor_starts_another(portal: Portal) -> None:
    before = portal.command("relays")["relays"]
    assert [relay["state"] for relay in before] == ["serving", "serving"]
    idle = min(before, key=lambda relay: relay["rooms"])
    assert portal.command("drain_relay", idle["name"])["state"] == "draining"
    portal.wait_for_log(r"Relay \d \(process \d+\) ended: exit status 0", 30)
    wait_until(lambda: len(portal.logged("Relay is ready")) == 3, 30, "there are two again")
    after = portal.command("relays")["relays"]
    assert [relay["state"] for relay in after] == ["serving", "serving"]
    assert idle["id"] not in [relay["id"] for relay in after]


def test_while_the_database_is_away_pages_say_so_and_come_back_by_themselves(portal: Portal) -> None:
    assert portal.postgresql is not None
    made = _meeting(portal)
    assert _get(portal, f"/{made['code']}/")[0] == 200
    portal.postgresql.stop(signal.SIGQUIT)  # at once, as in a crash
    try:
        status, page = _get(portal, f"/{made['code']}/")
        assert status == 503
        assert "Visio ne peut pas fonctionner pour le moment" in page
        status, sentence = _get(portal, f"/{made['code']}/", accept="application/json")
        assert (status, list(json.loads(sentence))) == (503, ["error"])
    finally:
        portal.postgresql.start()
        portal.postgresql.wait()
    wait_until(lambda: _get(portal, f"/{made['code']}/")[0] == 200, 30, "the page is there again")
    assert not portal.logged("Traceback"), "an outage is no fault of the program"
    assert not portal.logged(re.escape(portal.postgresql.url.split(":")[2].split("@")[0])), "its password"


def test_while_redis_is_away_pages_work_and_what_was_asked_is_done_later_whoever_is_killed(
    portal: Portal,
) -> None:
    assert portal.redis is not None
    made = _meeting(portal)
    portal.redis.stop(signal.SIGKILL)
    try:
        assert _get(portal, f"/{made['code']}/")[0] == 200  # tries are counted in the process
        program = [sys.executable, "-m", "tests.e2e.lay_recording", made["code"], "1"]
        subprocess.run(program, cwd=ROOT, env=portal.environment, check=True, timeout=60)
        assert portal.command("transcript", made["code"])["state"] == "processing"
    finally:
        portal.redis.start()
        portal.redis.wait()
    _begun(portal, made["code"])
    killed = portal.child("worker")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: portal.child("worker") != killed, 20, "another worker runs")
    assert wait_for_transcript(portal, made["code"])["state"] == "ready"


def _begun(portal: Portal, code: str) -> None:
    """A worker has taken the work on: nobody told it, it looked when Redis was there again."""
    wait_until(lambda: portal.command("transcript", code)["state"] != "processing", 90, "work goes on")


def _meeting(portal: Portal) -> dict[str, str]:
    """A meeting of the demo; visitors who open its address are sent to sign in."""
    demo = portal.command("demo")["ministries"][1]
    host = ["--ministry", demo["slug"], "--host", demo["staff"][0]["email"], "--title", "Faults"]
    made: dict[str, str] = portal.command("meeting_create", *host)
    return made
