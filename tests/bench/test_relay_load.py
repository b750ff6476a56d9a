"""The load generator against a real relay: what it counts is what was sent, whole and on time."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.relay import media, servers
from visio_portal.environment import ROOT

ADDRESS = "10.77.0.1"


def generated(task: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.relay.generator"],
        cwd=ROOT,
        input=json.dumps(task) + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.media
async def test_every_packet_of_a_small_call_is_counted_and_proved(tmp_path: Path):
    await asyncio.to_thread(media.load)
    with servers.running("portable", ADDRESS, tmp_path, None) as relay:
        task = {"server": {"kind": relay.kind, "url": relay.url}, "own": ADDRESS, "pid": relay.pid}
        task |= {
            "rooms": [[2, 1]],
            "warm": 1.0,
            "seconds": 1.0,
            "speeds": [1.0],
            "woken": False,
            "transport_cc": True,
        }
        told = await asyncio.to_thread(generated, task)
    (window,) = told["windows"]
    assert told["ciphers"] == ["SRTP_AEAD_AES_256_GCM"]
    assert told["decrypted"] > 10
    assert told["wrong"] == window["streams_missing"] == 0
    assert window["delivered"] > 0.9
    assert window["packets"] > 4 * 150
    assert 0 < window["latency_p50_ms"] < 1000
    assert window["cpu_us"] > 1


def test_a_server_that_does_not_start_is_not_offered(tmp_path: Path):
    with pytest.raises(servers.NotOffered), servers.running("portable", "192.0.2.1", tmp_path, None):
        pytest.fail("it listens on an address that is not ours")
