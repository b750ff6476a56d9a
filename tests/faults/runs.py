"""One run: a recording, a stage, a kill, a restart, and what became of it."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connections

from accounts import tenancy
from accounts.models import User
from meetings.models import Recording
from meetings.recording.errors import RecordLogError
from meetings.recording.log import read_log
from meetings.services import storage
from meetings.services.recording import logs_of
from tests.faults import calls, checking, laying
from tests.faults.eye import Eye, Seen, until
from tests.faults.places import HEARTBEAT, Circumstances, place
from tests.faults.server import Server
from tests.faults.stages import STAGES, Stage

PATIENCE = 120.0
"""Seconds in which a recording must have its transcript, on a busy machine."""
AGAIN = 0.15
"""Share of the runs in which the restarted server is killed once more, at any moment."""


@dataclass
class Run:
    """What was aimed at with which seed, where it hit, and what is wrong in the end."""

    seed: int
    aim: str
    fault: str
    hits: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Ground:
    """What runs happen on; it stays between runs, as a deployment does."""

    server: Server
    eye: Eye
    host: User
    said: laying.Said
    wave: Path
    expected: checking.Transcribed = field(default_factory=lambda: checking.Transcribed(()))


def reference(ground: Ground) -> None:
    """One recording that nobody disturbs: the others must end like it."""
    laid = laying.lay("undisturbed", ground.said)
    laid.tell()
    _finished(ground, laid.recording)
    with tenancy.scope(laid.recording.ministry_id):
        ground.expected = checking.transcribed(laid.recording, ground.eye)
        wrong = checking.problems(laid.recording, ground.eye, expected=ground.expected, host=ground.host)
    assert not wrong, wrong
    assert len(ground.expected.turns) == len(ground.said), ground.expected
    assert ground.expected.words > 12, ground.expected


def run(ground: Ground, seed: int) -> Run:
    """The seed decides on the stage and on every delay."""
    stage = STAGES[seed % len(STAGES)]
    victim = ground.server.choose(seed) if stage.fault == "kill" else ""
    done = Run(seed, stage.aim, f"{stage.fault} {victim}".strip())
    rng = random.Random(seed)
    began = time.monotonic()
    try:
        (_laid if stage.laid else _live)(ground, stage, rng, done)
    except Exception as error:
        done.problems.append(f"{type(error).__name__}: {error}")
        ground.server.log.append(f"--- {done.problems[-1]}")
    done.seconds = round(time.monotonic() - began, 1)
    return done


def _laid(ground: Ground, stage: Stage, rng: random.Random, done: Run) -> None:
    laid = laying.lay(f"run {done.seed}", ground.said)
    telling = threading.Thread(target=_quietly, args=(laid.tell,), daemon=True)
    if stage.held and stage.reached(ground.eye.look(laid.recording.id)):
        with ground.eye.nobody_writes():
            telling.start()
            time.sleep(rng.uniform(*stage.held))
            _fault(ground, stage, laid.recording, done)
    else:
        telling.start()
        _watch(ground, stage, rng, laid.recording, done)
    telling.join(30)
    _settle(ground, stage, rng, laid.recording, done)
    with tenancy.scope(laid.recording.ministry_id):
        done.problems += checking.problems(
            laid.recording, ground.eye, expected=ground.expected, host=ground.host
        )


def _quietly(tell: Callable[[], int]) -> None:
    with suppress(OSError):  # the server is killed while it answers
        tell()


def _watch(ground: Ground, stage: Stage, rng: random.Random, recording: Recording, done: Run) -> None:
    """Waits for the stage and lets the fault happen."""

    def reached() -> bool:
        seen = ground.eye.look(recording.id)
        return stage.reached(seen) or seen.finished

    assert until(reached, PATIENCE), f"{stage.aim} was not reached: {ground.eye.look(recording.id)}"
    if stage.held:
        with ground.eye.nobody_writes():
            time.sleep(rng.uniform(*stage.held))
            _fault(ground, stage, recording, done)
        return
    if stage.inside_writing:
        until(ground.eye.is_being_written, 1.0, every=0.0)
    else:
        time.sleep(rng.uniform(*stage.delay))
    _fault(ground, stage, recording, done, writing=stage.inside_writing)


def _fault(ground: Ground, stage: Stage, recording: Recording, done: Run, *, writing: bool = False) -> float:
    """Kills, and notes where that hit. Gives the Unix time."""
    server, at = ground.server, time.time()
    if stage.fault == "kill the recogniser":
        before = ground.eye.look(recording.id)
        killed = server.kill_speech_child()
        done.hits.append(
            _hit(stage, recording, before, writing) if killed else "too late: no recogniser any more"
        )
    elif stage.fault == "stop":
        before = ground.eye.look(recording.id)
        at = server.stop()
        done.hits.append(_hit(stage, recording, before, writing))
    else:
        seen = ground.eye.look(recording.id) if server.blinds else None
        at = server.kill()
        done.hits.append(_hit(stage, recording, seen or ground.eye.look(recording.id), writing))
    return at


def _hit(stage: Stage, recording: Recording, seen: Seen, writing: bool) -> str:
    """Where the rows say that it hit; a heartbeat that waited for the lock leaves no trace there."""
    if stage.aim == HEARTBEAT and seen.speech.state == "running":
        return HEARTBEAT
    return _where(recording, seen, writing)


def _where(recording: Recording, seen: Seen, writing: bool) -> str:
    logs = calls.logs_with_packets(recording)
    closed = bool(logs) and all(_closed(recording, path) for path in logs)
    return place(seen, Circumstances(packets=bool(logs), closed=closed, writing=writing))


def _closed(recording: Recording, path: Path) -> bool:
    with suppress(RecordLogError, OSError):
        return read_log(path, storage.key_unseal(recording)).complete
    return False


def _settle(ground: Ground, stage: Stage, rng: random.Random, recording: Recording, done: Run) -> None:
    """Starts the server again, sometimes kills it once more, and waits until nothing is left to do."""
    if stage.fault != "kill the recogniser":
        ground.server.start()
        connections.close_all()  # PostgreSQL may have been killed
    if rng.random() < AGAIN:
        time.sleep(rng.uniform(0.0, 2.5))
        _fault(ground, Stage("again"), recording, done)
        ground.server.start()
        connections.close_all()
    _finished(ground, recording)


def _finished(ground: Ground, recording: Recording) -> None:
    ended = until(lambda: ground.eye.look(recording.id).finished, PATIENCE, every=0.02)
    assert ended, f"no end after {PATIENCE:.0f} s: {ground.eye.look(recording.id)}"


# Live


def _live(ground: Ground, stage: Stage, rng: random.Random, done: Run) -> None:
    call = calls.Call(ground.host, f"run {done.seed}", ground.wave)
    call.come()
    try:
        recording, logs, killed_at = _disturbed_call(ground, stage, rng, call, done)
        _finished(ground, recording)
    finally:
        call.go()
    with tenancy.scope(recording.ministry_id):
        recording.refresh_from_db()
        expected = checking.undisturbed(recording)
        done.problems += checking.problems(recording, ground.eye, expected=expected, host=ground.host)
        done.problems += checking.cut_short(recording, logs, killed_at)
        if logs and not expected.turns:
            done.problems.append("nothing was said in it")


def _disturbed_call(
    ground: Ground, stage: Stage, rng: random.Random, call: calls.Call, done: Run
) -> tuple[Recording, list[Path], float]:
    """The recording, the logs that were being written when the server was killed, and when that was."""
    pressing = call.press("start")
    recording = call.recording()
    logs: list[Path] = []
    if stage.call == "starting":
        killed_at = _fault(ground, stage, recording, done)
    else:
        pressing.join(30)
        calls.wait_for_packets(recording)
        time.sleep(rng.uniform(*stage.delay))
        logs, killed_at = _killed_in_call(ground, stage, rng, call, recording, done)
    call.go()
    ground.server.start()
    connections.close_all()
    if stage.call in ("starting", "writing", "flushing") and stage.fault == "kill":
        _come_back(call, recording)
    return recording, logs, killed_at


def _killed_in_call(
    ground: Ground, stage: Stage, rng: random.Random, call: calls.Call, recording: Recording, done: Run
) -> tuple[list[Path], float]:
    if stage.call in ("stopping", "closing"):
        time.sleep(2.5)
        call.press("stop")
        stopping = until(lambda: ground.eye.look(recording.id).recording != "running", 30.0, every=0.0005)
        assert stopping, "the recording was not stopped"
        if stage.held:
            with ground.eye.nobody_writes():
                until(lambda: all(_closed(recording, path) for path in logs_of(recording)), 3.0, every=0.01)
                time.sleep(rng.uniform(*stage.held))
                _fault(ground, stage, recording, done)
        else:
            _fault(ground, stage, recording, done)
        return [], 0.0
    if stage.call == "flushing":
        time.sleep(rng.uniform(1.0, 2.0))
        calls.wait_for_flush(recording)
    logs = calls.logs_with_packets(recording)
    return logs, _fault(ground, stage, recording, done)


def _come_back(call: calls.Call, recording: Recording) -> None:
    """The talker returns, is recorded on, and presses stop."""
    before = len(calls.logs_with_packets(recording))
    call.come()
    calls.wait_for_packets(recording, logs=before + 1)
    time.sleep(2.5)
    call.press("stop").join(30)
