"""`manage.py relay --standalone`, the real process: no database, no data folder, any validly signed token."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest
from livekit import api

from visio_portal.environment import ROOT

from .adapter import KEY, SECRET
from .standalone_process import environment, standalone

OTHER_SECRET = "another-secret-of-more-than-thirty-two-bytes"


async def test_it_answers_without_database_or_data_folder_and_ends_cleanly(tmp_path: Path) -> None:
    keys = f"{KEY}: {SECRET}, other: {OTHER_SECRET}"
    with standalone(tmp_path, keys=keys) as running:
        async with aiohttp.ClientSession() as http, http.get(running.url) as answer:
            assert await answer.text() == "OK"
        for key, secret in ((KEY, SECRET), ("other", OTHER_SECRET)):
            async with api.LiveKitAPI(running.url, key, secret) as livekit:
                made = await livekit.room.create_room(api.CreateRoomRequest(name=f"room of {key}"))
                assert made.sid
        async with api.LiveKitAPI(running.url, KEY, OTHER_SECRET) as forger:
            with pytest.raises(api.TwirpError) as refused:
                await forger.room.list_rooms(api.ListRoomsRequest())
            assert refused.value.code == "unauthenticated"
    assert list(tmp_path.iterdir()) == [tmp_path / "relay.log"]


def test_it_says_on_a_signal_what_is_alive(tmp_path: Path) -> None:
    with standalone(tmp_path) as running:
        running.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while "census {" not in running.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
    told = json.loads(running.log.read_text().partition(" census ")[2].splitlines()[0])
    assert (told["alive"]["rooms"], told["alive"]["transports"]) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "needs --keys"),
        (["--keys", "nonsense"], 'must be "KEY: SECRET"'),
        (["--keys", f"{KEY}: {SECRET}", "--port", "x"], "must be a port number"),
        (["--keys", f"{KEY}: {SECRET}", "--bind", "192.0.2.1"], "Cannot listen on 192.0.2.1"),
    ],
)
def test_a_wrong_command_line_is_told_in_a_sentence(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    command = [sys.executable, "manage.py", "relay", "--standalone", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(tmp_path / "none"), capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_turn_address_that_is_none_is_told_in_a_sentence(tmp_path: Path) -> None:
    told = {"VISIO_TURN_URLS": "turn.example:3478", "VISIO_TURN_SECRET": "between-us"}
    command = [sys.executable, "manage.py", "relay", "--standalone", "--keys", f"{KEY}: {SECRET}"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment(tmp_path / "none"), **told},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert done.stderr.startswith("VISIO_TURN_URLS: “turn.example:3478” is no TURN address")
    assert "between-us" not in done.stderr
