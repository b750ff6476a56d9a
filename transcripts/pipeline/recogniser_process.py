"""The parent's side of the process in which speech is recognised."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from transcripts.engines.base import EngineSettings, Progress, Word
from transcripts.errors import RecogniserDied, TranscriptError
from transcripts.pipeline.child import Request, settings_to_line, words_from

ROOT = Path(__file__).resolve().parents[2]
STALLED_S = 900.0  # without a word of progress; a large model on a slow disk loads within this
LAST_WORDS = 2000  # bytes of the child's standard error told when it dies
LONGEST_LINE = 64 * 1024 * 1024  # bytes of one answer: some 40 hours of speech


class RecogniserProcess:
    """One engine in one child process, for any number of tracks in turn.

    Not thread-safe: the child dies with the thread that entered it. `kill` alone may be called from
    elsewhere.
    """

    def __init__(self, engine: str, settings: EngineSettings, *, stalled_after: float = STALLED_S) -> None:
        """Nothing is started before the context is entered. stalled_after: seconds without progress."""
        self._engine, self._settings, self._stalled_after = engine, settings, stalled_after
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        self._stderr = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "transcripts.pipeline.child", self._engine, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": str(self._settings.threads)},
            start_new_session=True,  # Ctrl-C is for the parent, which ends the child in order
        )
        self._send(settings_to_line(self._settings))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        with suppress(BrokenPipeError):  # raised where a request was never read
            self._process.communicate()
        self._stderr.close()

    @property
    def pid(self) -> int:
        """The child's process number."""
        return self._process.pid

    def kill(self) -> None:
        """End the child at once; a running `transcribe` raises RecogniserDied."""
        self._process.kill()

    def transcribe(self, request: Request, progress: Progress) -> list[Word]:
        """The words of one track.

        Raises RecogniserDied when the child crashes, is killed or stalls, TranscriptError with the child's
        own reason when it refuses.
        """
        self._send(request.to_line())
        while True:
            answer = self._answer()
            if "progress" in answer:
                progress(answer["progress"])
            elif "error" in answer:
                raise TranscriptError(answer["error"])
            else:
                return words_from(answer["words"])

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it is gone; why, its answer or its end will tell
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        """The child's next line."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + self._stalled_after
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(deadline - time.monotonic()):
                    self.kill()
                    raise RecogniserDied(f"{self._engine} made no progress for {self._stalled_after:.0f} s")
                data = os.read(self._process.stdout.fileno(), 65_536)
                if not data:
                    raise RecogniserDied(self._last_words())
                if len(self._buffer) > LONGEST_LINE:
                    self.kill()
                    raise RecogniserDied(f"{self._engine} gave an answer without end")
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        """How the child ended, with the end of what it wrote to standard error."""
        code = self._process.wait()  # it closed its output, which it does only at its end
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - LAST_WORDS))
        written = self._stderr.read().decode(errors="replace").strip()
        return f"{self._engine} {how}" + (f": {written}" if written else "")


Runner = Callable[[Request, Progress], list[Word]]
"""What recognises one track: `RecogniserProcess.transcribe`, or anything like it."""
