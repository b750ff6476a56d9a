"""Words of many people become turns."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from transcripts.turns import LONGEST_S, PAUSE_S, SpeakerTrack, SpeakerTurn, speaker_turns


@dataclass(frozen=True)
class Spoken:
    """A word as any recogniser gives it."""

    text: str
    start: float
    end: float
    confidence: float | None = None


def track(who: str, *words: tuple[str, float, float]) -> SpeakerTrack:
    return SpeakerTrack(who, who.title(), [Spoken(*word) for word in words])


def told(turns: list[SpeakerTurn]) -> list[tuple[str, str, float, float]]:
    return [(turn.speaker, turn.text, turn.start, turn.end) for turn in turns]


def test_people_taking_turns() -> None:
    ada = track("ada", ("good", 0.0, 0.3), ("morning", 0.4, 0.9), ("thanks", 2.0, 2.4))
    bo = track("bo", ("hello", 1.1, 1.5))
    assert told(speaker_turns([bo, ada])) == [
        ("Ada", "good morning", 0.0, 0.9),
        ("Bo", "hello", 1.1, 1.5),
        ("Ada", "thanks", 2.0, 2.4),
    ]


def test_a_word_at_the_same_time_does_not_break_the_turn() -> None:
    ada = track("ada", ("we", 0.0, 0.5), ("should", 0.5, 1.0), ("start", 1.0, 1.5))
    bo = track("bo", ("yes", 0.6, 0.9))
    assert told(speaker_turns([ada, bo])) == [("Ada", "we should start", 0.0, 1.5), ("Bo", "yes", 0.6, 0.9)]


def test_a_pause_ends_a_turn_and_a_breath_does_not() -> None:
    late = 0.5 + PAUSE_S + 0.1
    assert len(speaker_turns([track("ada", ("one", 0.0, 0.5), ("two", late, late + 0.5))])) == 2
    assert len(speaker_turns([track("ada", ("one", 0.0, 0.5), ("two", late - 0.2, late + 0.5))])) == 1


def test_a_long_monologue_is_cut() -> None:
    words = [(f"w{at}", at * 0.5, at * 0.5 + 0.4) for at in range(400)]
    turns = speaker_turns([track("ada", *words)])
    assert len(turns) == 4
    assert max(turn.end - turn.start for turn in turns) <= LONGEST_S


def test_two_tracks_of_one_person_are_one_speaker() -> None:
    first, second = track("ada", ("one", 0.0, 0.5)), track("ada", ("two", 1.0, 1.5))
    renamed = SpeakerTrack("ada", "Ada Lovelace", second.words)
    assert told(speaker_turns([first, renamed])) == [("Ada Lovelace", "one two", 0.0, 1.5)]


def test_no_words_no_turns() -> None:
    assert speaker_turns([]) == []
    assert speaker_turns([track("ada")]) == []


spoken = st.builds(
    lambda text, start, length: Spoken(text, start, start + length),
    st.sampled_from(["yes", "no", "perhaps"]),
    st.floats(0, 200),
    st.floats(0, 3),
)
meetings = st.lists(
    st.builds(lambda who, words: SpeakerTrack(who, who, words), st.sampled_from("abc"), st.lists(spoken)),
    max_size=5,
)


@given(meetings)
def test_every_word_once_sorted_and_never_beside_oneself(tracks: list[SpeakerTrack]) -> None:
    turns = speaker_turns(tracks)
    given_words = sorted((t.speaker_id, w.text, w.start, w.end) for t in tracks for w in t.words)
    assert sorted((t.speaker_id, w.text, w.start, w.end) for t in turns for w in t.words) == given_words
    assert [turn.start for turn in turns] == sorted(turn.start for turn in turns)
    for who in "abc":
        own = [turn for turn in turns if turn.speaker_id == who]
        assert all(one.end <= two.start for one, two in pairwise(own))
    for turn in turns:
        assert turn.start == turn.words[0].start
        assert turn.end == max(word.end for word in turn.words)
        assert turn.text == " ".join(word.text for word in turn.words)


@given(meetings)
def test_the_order_of_tracks_does_not_matter(tracks: list[SpeakerTrack]) -> None:
    assert told(speaker_turns(tracks)) == told(speaker_turns(tracks[::-1]))
