"""Who of a crowded room is heard (the native plane's rule has the same tests in speakers.rs)."""

import random

import pytest

from meetings.relay.voices import Voices

QUIET = 80


def room(most: int, size: int) -> Voices:
    voices = Voices(most)
    for member in range(size):
        voices.add(member)
    return voices


def talk(voices: Voices, levels: list[int], start: float, end: float) -> list[int]:
    """Everybody sends a packet every 20 ms; who was forwarded at the end."""
    heard: list[int] = []
    for step in range(round(start * 50), round(end * 50)):
        heard = [member for member, level in enumerate(levels) if voices.hear(member, level, step * 0.02)]
    return heard


def test_a_small_room_is_heard_whole() -> None:
    assert talk(room(3, 3), [QUIET] * 3, 0, 5) == [0, 1, 2]


def test_in_a_silent_crowded_room_nobody_holds_a_place() -> None:
    assert talk(room(3, 5), [QUIET] * 5, 0, 0.1) == []


def test_nobody_is_cut_in_the_first_word() -> None:
    """The packet that takes the place of one who is silent is itself forwarded."""
    voices = room(2, 4)
    assert talk(voices, [30, 35, QUIET, QUIET], 0, 1) == [0, 1]
    assert talk(voices, [QUIET, 35, QUIET, QUIET], 1, 1.3) == [0, 1]
    assert voices.hear(3, 45, 1.3)
    assert not voices.hear(0, QUIET, 1.3)
    assert voices.hear(1, 35, 1.3)


def test_a_pause_between_words_costs_no_place() -> None:
    voices = room(1, 2)
    assert voices.hear(0, 30, 1.0)
    assert not voices.hear(1, 30, 1.19)
    assert voices.hear(0, QUIET, 1.19)
    assert voices.hear(1, 30, 1.21)


def test_a_place_is_given_up_after_two_seconds() -> None:
    voices = room(1, 2)
    talk(voices, [30, QUIET], 0, 0.1)
    assert talk(voices, [QUIET, QUIET], 0.1, 2.06) == [0]
    assert talk(voices, [QUIET, QUIET], 2.1, 2.2) == []


@pytest.mark.parametrize(
    ("level", "voice", "loud"), [(49, False, True), (50, False, False), (70, True, True)]
)
def test_loud_is_louder_than_minus_fifty_or_marked_as_voice(level: int, voice: bool, loud: bool) -> None:
    """Regression: -50 dBov itself was loud to one plane and not to the other."""
    assert room(1, 2).hear(0, level, 0.0, voice=voice) is loud


def test_where_all_speak_whoever_is_much_louder_interrupts_after_a_while() -> None:
    voices = room(2, 3)
    assert talk(voices, [30, 38, QUIET], 0, 1) == [0, 1]
    assert talk(voices, [30, 38, 20], 1, 1.28) == [0, 1]
    assert talk(voices, [30, 38, 20], 1.28, 1.4) == [0, 2]


def test_where_all_speak_being_a_little_louder_is_not_enough() -> None:
    voices = room(2, 3)
    talk(voices, [30, 34, QUIET], 0, 0.1)
    assert talk(voices, [30, 34, 29], 0.1, 5) == [0, 1]


def test_insistence_does_not_survive_a_pause() -> None:
    """Regression: two coughs a minute apart were taken for a third of a second of speech."""
    voices = room(1, 2)
    assert talk(voices, [40, 20], 0, 0.2) == [0]
    assert talk(voices, [40, QUIET], 0.2, 1) == [0]
    assert talk(voices, [40, 20], 1, 1.2) == [0]
    assert talk(voices, [40, 20], 1.2, 1.4) == [1]


def test_softer_sounds_between_two_syllables_do_not_end_insistence() -> None:
    voices = room(1, 2)
    talk(voices, [40, QUIET], 0, 0.1)
    for step in range(5, 25):
        voices.hear(0, 40, step * 0.02)
        heard = voices.hear(1, 20 if step % 3 else QUIET, step * 0.02)
    assert heard


def test_the_place_of_one_who_left_or_muted_is_free_at_once() -> None:
    voices = room(1, 3)
    assert voices.hear(0, 30, 0.0)
    voices.silence(0)
    assert voices.hear(1, 40, 0.0)
    voices.remove(1)
    assert voices.hear(2, 45, 0.0)


def test_who_speaks_goes_on_as_the_room_grows_past_its_limit() -> None:
    voices = room(2, 2)
    assert talk(voices, [30, QUIET], 0, 0.5) == [0, 1]
    voices.add(2)
    assert voices.hear(0, 30, 0.5)
    assert voices.hear(0, QUIET, 0.6)
    assert not voices.hear(1, QUIET, 0.6)
    voices.remove(2)
    assert voices.hear(1, QUIET, 0.62)


def test_a_microphone_that_tells_no_level_is_never_shut_out() -> None:
    """Regression: one that came late to a crowded room was not heard until others left."""
    voices = room(1, 2)
    assert voices.hear(0, 30, 0.0)
    assert voices.hear(1, None, 0.0)
    assert voices.hear(0, 30, 0.0), "it takes nobody's place"


def test_a_stranger_is_forwarded_and_an_empty_room_is_empty() -> None:
    voices = room(1, 2)
    assert voices.hear(9, QUIET, 0.0)
    voices.remove(0)
    voices.remove(1)
    assert len(voices) == 0


def test_never_more_than_the_bound_whatever_they_do() -> None:
    dice = random.Random(9)
    voices, members = room(3, 10), set(range(10))
    for step in range(20_000):
        member, now = dice.randrange(10), step * 0.002
        match dice.randrange(100):
            case 0:
                voices.remove(member)
                members.discard(member)
            case 1:
                voices.add(member)
                members.add(member)
            case 2:
                voices.silence(member)
            case _:
                voices.hear(member, dice.randrange(128), now, voice=not dice.randrange(9))
        if len(members) > 3 and step % 50 == 0:
            # A quiet packet less than two seconds after the last word takes and gives up nothing.
            assert sum(voices.hear(each, QUIET, now) for each in members) <= 3
