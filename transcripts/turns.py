"""Words of many people, one after the other: who said what, when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

PAUSE_S = 1.5  # a speaker who is silent for longer begins a new turn
LONGEST_S = 60.0  # a turn is cut at the next word after this, so that a passage stays short enough to read


class TimedWord(Protocol):
    """A word and its times in seconds from the recording's start."""

    @property
    def text(self) -> str:
        """As recognised."""

    @property
    def start(self) -> float:
        """Not after `end`."""

    @property
    def end(self) -> float:
        """Not before `start`."""

    @property
    def confidence(self) -> float | None:
        """Between 0 and 1, where the recogniser gives one."""


@dataclass(frozen=True, slots=True)
class SpeakerTrack:
    """All words of one track of one person; a person may have several tracks."""

    speaker_id: str
    name: str
    words: Sequence[TimedWord]


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """What one person said without a long pause and without somebody else's word in between."""

    speaker_id: str
    speaker: str
    start: float
    end: float
    text: str
    words: tuple[TimedWord, ...]


@dataclass(slots=True)
class _Open:
    """A turn that may still grow."""

    track: SpeakerTrack
    words: list[TimedWord]
    end: float

    @property
    def start(self) -> float:
        return self.words[0].start


def speaker_turns(tracks: Iterable[SpeakerTrack]) -> list[SpeakerTurn]:
    """The turns of all tracks, sorted by time.

    A turn ends when somebody else's word falls into its speaker's silence, at a pause longer than PAUSE_S,
    and at LONGEST_S. Words said at the same time stay in parallel turns: a short “yes” does not break the
    turn that it accompanies. Every word is in exactly one turn; turns of one person never overlap. The name
    of a person with several tracks is that of the last one.
    """
    words = sorted(
        ((word, track) for track in tracks for word in track.words),
        key=lambda pair: (pair[0].start, pair[0].end, pair[1].speaker_id, pair[0].text),
    )
    names = {track.speaker_id: track.name for _, track in words}
    open_turns: dict[str, _Open] = {}
    closed: list[_Open] = []
    for word, track in words:
        turn = open_turns.get(track.speaker_id)
        if turn and _continues(turn, word, open_turns):
            turn.words.append(word)
            turn.end = max(turn.end, word.end)
        else:
            closed += [turn] if turn else []
            open_turns[track.speaker_id] = _Open(track, [word], word.end)
    turns = [_closed(turn, names) for turn in [*closed, *open_turns.values()]]
    return sorted(turns, key=lambda turn: (turn.start, turn.end, turn.speaker_id))


def _continues(turn: _Open, word: TimedWord, others: dict[str, _Open]) -> bool:
    """Whether the word belongs to the turn rather than to a new one of the same speaker."""
    if word.start < turn.end:
        return True  # within the turn: apart, the two would overlap
    if word.start - turn.end > PAUSE_S or word.end - turn.start > LONGEST_S:
        return False
    return not any(
        _spoke_between(other, turn.end, word.start) for other in others.values() if other is not turn
    )


def _spoke_between(turn: _Open, start: float, end: float) -> bool:
    """Whether one of the turn's latest words lies, for the most part, between the times."""
    for word in reversed(turn.words):
        if word.end < start:
            return False
        if start < (word.start + word.end) / 2 < end:
            return True
    return False


def _closed(turn: _Open, names: dict[str, str]) -> SpeakerTurn:
    return SpeakerTurn(
        turn.track.speaker_id,
        names[turn.track.speaker_id],
        turn.start,
        turn.end,
        " ".join(word.text for word in turn.words),
        tuple(turn.words),
    )
