"""The process in which speech is recognised: `python -m transcripts.pipeline.child ENGINE PARENT-PID`.

Standard input: a line with the engine's settings, then one line per track (`Request`). Standard output: per
track any number of `{"progress": …}` lines and one `{"words": …}` or `{"error": …}` line. All are JSON. It
has one model, runs at low priority so that a call on the same machine is not disturbed, and dies with its
parent.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from transcripts.engines.base import SAMPLE_RATE, EngineSettings, Recogniser, Sound, Span, Word
from transcripts.engines.catalogue import load
from transcripts.errors import TranscriptError
from transcripts.pipeline import sound

NICENESS = 10
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
PROGRESS_STEP = 0.01  # smaller steps are not told


@dataclass(frozen=True, slots=True)
class Request:
    """One track to recognise; `muted` are the stretches to take as silence."""

    path: Path
    language: str
    muted: tuple[Span, ...] = ()

    def to_line(self) -> str:
        """As one line of JSON, without its end."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_line(cls, line: str) -> "Request":
        """What `to_line` wrote."""
        fields = json.loads(line)
        return cls(Path(fields["path"]), fields["language"], tuple(Span(**span) for span in fields["muted"]))


def settings_to_line(settings: EngineSettings) -> str:
    """The settings as one line of JSON; passed through a pipe, since they may hold a key."""
    return json.dumps(asdict(settings), default=str)


def settings_from_line(line: str) -> EngineSettings:
    """What `settings_to_line` wrote."""
    fields = json.loads(line)
    folder = fields["models_dir"]
    fields["models_dir"] = Path(folder) if folder else None
    for name in ("order", "remote_languages"):
        fields[name] = tuple(fields[name])
    return EngineSettings(**fields)


def words_from(rows: Sequence[Sequence[Any]]) -> list[Word]:
    """The words of a `{"words": …}` line."""
    return [Word(str(text), float(start), float(end), confidence) for text, start, end, confidence in rows]


def main(engine: str, parent: int) -> None:
    """Serve requests until standard input ends."""
    _die_with(parent)
    os.nice(NICENESS)
    answers = _own_output()
    try:
        recogniser = load(engine, settings_from_line(sys.stdin.readline()))
    except TranscriptError as error:
        _answer(answers, error=str(error))
        return
    for line in sys.stdin:
        try:
            words = _recognised(recogniser, Request.from_line(line), answers)
        except TranscriptError as error:
            _answer(answers, error=str(error))
        else:
            _answer(answers, words=[(word.text, word.start, word.end, word.confidence) for word in words])


def _die_with(parent: int) -> None:
    """Be killed when the parent's thread that started this process ends, or now if it already has."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def _own_output() -> TextIO:
    """The pipe to the parent; whatever a library prints goes to standard error instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _recognised(recogniser: Recogniser, request: Request, answers: TextIO) -> list[Word]:
    told = 0.0

    def progress(share: float) -> None:
        nonlocal told
        if share >= told + PROGRESS_STEP:
            told = share
            _answer(answers, progress=round(share, 3))

    pcm = muted(sound.read(request.path), request.muted)
    return recogniser.transcribe(pcm, request.language, progress=progress)


def muted(pcm: Sound, spans: Sequence[Span]) -> Sound:
    """The sound with silence in the spans; the same array where there are none."""
    if not spans:
        return pcm
    quiet = pcm.copy()
    for span in spans:
        quiet[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)] = 0
    return quiet


def _answer(answers: TextIO, **fields: object) -> None:
    answers.write(json.dumps(fields) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
