"""Recognition in a process of its own: it works, it can be killed, it stalls, it dies with its parent."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.transcripts.voices import SENTENCES, needs_flite, say_all, silence, write_wav
from transcripts.engines.base import EngineSettings, Span
from transcripts.errors import RecogniserDied, TranscriptError
from transcripts.pipeline.child import NICENESS, Request, settings_from_line, settings_to_line
from transcripts.pipeline.recogniser_process import ROOT, RecogniserProcess

EMBEDDED = EngineSettings(order=("pocketsphinx",))


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def soon(action: object, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, action)  # type: ignore[arg-type]
    timer.start()
    yield
    timer.join()


@needs_flite
def test_words_come_back_and_muted_stretches_do_not(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "track.wav", say_all(SENTENCES[:2], "rms"))
    told: list[float] = []
    with RecogniserProcess("pocketsphinx", EMBEDDED) as process:
        whole = process.transcribe(Request(path, "en"), told.append)
        part = process.transcribe(Request(path, "en", (Span(0, whole[9].end + 0.5),)), ignore)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) >= NICENESS
    assert [word.text for word in whole][:3] == ["good", "morning", "everyone"]
    assert [word.text for word in part] == [word.text for word in whole[10:]]
    assert part[0].start == pytest.approx(whole[10].start, abs=0.1)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert not alive(process.pid)


def test_a_refusal_keeps_its_reason_and_the_process_goes_on(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "quiet.wav", silence(1))
    with RecogniserProcess("pocketsphinx", EMBEDDED) as process:
        with pytest.raises(TranscriptError, match="does not know the language “fr”"):
            process.transcribe(Request(path, "fr"), ignore)
        with pytest.raises(TranscriptError, match=r"gone\.wav cannot be read"):
            process.transcribe(Request(tmp_path / "gone.wav", "en"), ignore)
        assert process.transcribe(Request(path, "en"), ignore) == []


def test_an_engine_that_cannot_be_loaded_says_why() -> None:
    with RecogniserProcess("faster_whisper", EngineSettings()) as process:
        with pytest.raises(TranscriptError, match="VISIO_MODELS_DIR"):
            process.transcribe(Request(Path("any.wav"), "en"), ignore)
        with pytest.raises(RecogniserDied, match="ended with status 0"):
            process.transcribe(Request(Path("any.wav"), "en"), ignore)


def test_a_killed_process_is_one_clear_error(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "quiet.wav", silence(1))
    with RecogniserProcess("pocketsphinx", EMBEDDED) as process:
        os.kill(process.pid, signal.SIGSTOP)  # so that it is certainly killed while it works
        with soon(process.kill, 0.3), pytest.raises(RecogniserDied, match="ended by signal 9"):
            process.transcribe(Request(path, "en"), ignore)


def test_a_stalled_process_is_killed(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "quiet.wav", silence(1))
    with RecogniserProcess("pocketsphinx", EMBEDDED, stalled_after=0.4) as process:
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(RecogniserDied, match="no progress for 0 s"):
            process.transcribe(Request(path, "en"), ignore)
    assert not alive(process.pid)


def test_a_crash_tells_what_was_written_last(tmp_path: Path) -> None:
    with RecogniserProcess("pocketsphinx", EMBEDDED) as process:
        broken = Request(tmp_path / "x.wav", "en", muted=("not a span",))  # type: ignore[arg-type]
        with pytest.raises(RecogniserDied, match=r"status 1: .*Traceback[\s\S]*TypeError"):
            process.transcribe(broken, ignore)


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """A worker killed outright leaves no recogniser behind."""
    program = """
        import sys, time
        from transcripts.engines.base import EngineSettings
        from transcripts.pipeline.recogniser_process import RecogniserProcess
        with RecogniserProcess("pocketsphinx", EngineSettings()) as process:
            print(process.pid, flush=True)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.5)
        assert alive(child)
        parent.kill()
        deadline = time.monotonic() + 5
        while alive(child) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert not alive(child)


def test_settings_and_requests_survive_the_pipe(tmp_path: Path) -> None:
    settings = EngineSettings(
        order=("remote",), models_dir=tmp_path, remote_key="a\nkey", remote_languages=("fr", "en")
    )
    assert "\n" not in settings_to_line(settings)
    assert settings_from_line(settings_to_line(settings)) == settings
    assert settings_from_line(settings_to_line(EMBEDDED)) == EMBEDDED
    request = Request(tmp_path / "é track.wav", "fr", (Span(0.5, 2.0), Span(3.0, 4.0)))
    assert Request.from_line(request.to_line()) == request
