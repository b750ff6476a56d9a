"""What only the native plane can get wrong: who owns the sessions, full rings, and the thread's own end."""

import asyncio
import gc
import json
import os
import shutil
import socket
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from meetings.relay.dataplane.choice import NativePlaneMissing, PlaneParts, choose_plane
from meetings.relay.dataplane.native import build
from meetings.relay.dataplane.native.binding import RING_FULL
from meetings.relay.dataplane.native.plane import NativePlane
from meetings.relay.interface import RelayLimits, SystemClock
from tests.meetings.relay.packets import rtp

from .client import Client
from .conftest import make_plane
from .removals import Deaf
from .test_forwarding import until


@pytest.fixture
async def plane() -> AsyncIterator[NativePlane]:
    plane = make_plane("native")
    assert isinstance(plane, NativePlane)
    await plane.start()
    yield plane
    await plane.stop()


def alive(reference: "weakref.ref[object]") -> bool:
    gc.collect()
    return reference() is not None


async def test_transports_come_and_go_under_load_without_a_fault() -> None:
    """Freed memory is overwritten, so that a late use of a session would end the process."""
    make_plane("native")  # skips where there is none
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.meetings.relay.dataplane.removals",
        "120",
        env={**os.environ, "MALLOC_PERTURB_": "165"},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    found = json.loads(told)
    assert found["after"] == found["before"], "sessions were left"
    assert found["late"] > 20, "the lasting subscriber gets no more"
    assert (found["protect_failed"], found["unprotect_failed"]) == (0, 0)


async def test_a_cancelled_close_frees_the_sessions_once_the_thread_is_done_with_them(plane) -> None:
    client = Client(plane, 1)
    reference = weakref.ref(client.sessions.send)
    client.sessions = None
    assert alive(reference)
    closing = asyncio.create_task(plane.close(1))
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    await until(lambda: not alive(reference))
    client.socket.close()


async def test_a_stop_frees_all_sessions_and_lets_nobody_wait(plane) -> None:
    client = Client(plane, 1)
    reference = weakref.ref(client.sessions.receive)
    client.sessions = None
    closing = asyncio.create_task(plane.close(1))
    await asyncio.sleep(0)
    await plane.stop()
    await asyncio.wait_for(closing, 1)
    assert not alive(reference)
    await plane.close(1)  # closed for long
    client.socket.close()


async def test_no_command_is_lost_in_a_flood_of_commands_and_of_strangers(plane) -> None:
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.setblocking(False)
    numbers = range(10, 3_010)
    for number in numbers:
        plane.open(number, Deaf())
        plane.mute(number, True)
        plane.mute(number, False)
        plane.watch_congestion(number, 3)
    closing = asyncio.gather(*(plane.close(number) for number in numbers))
    while not closing.done():
        for _ in range(500):
            try:
                stranger.sendto(b"\0\1of no use", ("127.0.0.1", plane.port))
            except BlockingIOError:
                break
        await asyncio.sleep(0)
    await closing
    stranger.close()
    counters = plane.counters()
    assert counters["commands"] == 5 * len(numbers)
    assert plane.sizes()["transports"] == 0


async def test_what_finds_the_ring_full_is_handed_over_later_and_in_order(plane) -> None:
    taken: list[int] = []
    room = False

    def command(handle: object, number: int) -> int:
        if room:
            taken.append(number)
        return 0 if room else RING_FULL

    for number in range(5):
        plane._thread.ask(command, number)
    await asyncio.sleep(0.02)
    assert taken == []
    room = True
    plane._thread.ask(command, 5)
    await until(lambda: len(taken) == 6)
    assert taken == [0, 1, 2, 3, 4, 5]


async def test_strangers_checks_are_limited_and_do_not_displace_a_peers_words(plane) -> None:
    client = Client(plane, 1)
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.9", 0))
    for turn in range(8_000):
        stranger.sendto(b"\0\1of no use", ("127.0.0.1", plane.port))
        if turn % 100 == 0:
            await asyncio.sleep(0)
    client.raw(b"\x16hello")
    await until(lambda: client.dtls)
    await until(lambda: plane.counters()["strangers_limited"] > 4_000)
    stranger.close()
    client.socket.close()


async def test_ever_new_ssrcs_of_a_peer_leave_nothing_behind(plane) -> None:
    """libsrtp keeps a stream for each; the oldest of those that nobody declared is forgotten."""
    client = Client(plane, 1)
    for ssrc in range(1_000, 1_500):
        client.media(rtp(ssrc, 1, 0, b"x"))
        if ssrc % 50 == 0:
            await asyncio.sleep(0.01)
    await until(lambda: plane.counters()["received"] == 500)
    counters = plane.counters()
    assert counters["unprotect_failed"] == 0
    assert len(client.unknown) <= 64, "the stash bounds what Python hears"
    client.socket.close()


# The thread's own end, provoked in a library that is built for that


def fragile(failed) -> NativePlane:
    """A plane whose thread can be made to panic."""
    make_plane("native")
    try:
        library = build.build("fault-injection")
    except build.CannotBuild as reason:
        if os.environ.get("VISIO_REQUIRE_NATIVE"):
            raise
        pytest.skip(str(reason))
    limits = RelayLimits()
    parts = PlaneParts("127.0.0.1", 0, lambda *_: None, SystemClock(), limits, failed)
    return NativePlane(parts, gso=True, library=library)


async def test_a_panic_is_told_frees_everything_and_is_survived_by_whoever_asks_on() -> None:
    reasons: list[str] = []
    plane = fragile(reasons.append)
    await plane.start()
    client = Client(plane, 1)
    reference = weakref.ref(client.sessions.send)
    client.sessions = None
    await asyncio.sleep(0.05)
    plane.provoke_panic()
    closing = asyncio.create_task(plane.close(1))
    await until(lambda: reasons)
    assert reasons == ["provoked"]
    await asyncio.wait_for(closing, 1)
    assert not alive(reference)
    plane.open(2, Deaf())
    plane.mute(3, True)
    await asyncio.wait_for(plane.close(2), 1)
    assert plane.counters()["commands"] > 0
    await plane.stop()
    client.socket.close()


async def test_a_relay_whose_plane_ends_says_goodbye_and_ends_its_process() -> None:
    fragile(lambda reason: None)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.meetings.relay.dataplane.fragile_relay",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaints = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, complaints.decode()
    assert b"its data plane has: provoked" in complaints
    assert said.decode().split() == ["ready", "stopped"]


# Building it


def machine_without_rust(tmp_path: Path) -> Callable[[], str]:
    """What an installation prints where there is neither a toolchain nor apt."""
    for name in ("Cargo.toml", "Cargo.lock", "build.py"):
        shutil.copy(build.HERE / name, tmp_path)
    shutil.copytree(build.HERE / "src", tmp_path / "src")

    def install() -> str:
        words = [sys.executable, str(tmp_path / "build.py"), "--where-possible"]
        environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout

    return install


def test_without_a_toolchain_an_installation_says_so_in_one_line_and_only_once(tmp_path: Path) -> None:
    install = machine_without_rust(tmp_path)
    said = install()
    assert said.startswith(
        "Packets will be forwarded in Python, which costs more: there is no Rust toolchain"
    )
    assert said.count("\n") == 1
    assert install() == ""


def test_a_library_of_other_sources_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_plane("native")
    monkeypatch.setattr(build, "sources_digest", lambda: "of other sources")
    with pytest.raises(NativePlaneMissing, match="not built from these sources"):
        choose_plane("native", PlaneParts("", 0, lambda *_: None, SystemClock(), RelayLimits()), gso=True)
