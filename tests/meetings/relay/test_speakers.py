"""Active speakers, with time as numbers."""

import pytest

from meetings.relay.speakers import SILENCE, ActiveSpeakers


def talk(speakers, sid, *, start, seconds, level=25):
    for index in range(round(seconds * 50)):
        speakers.heard(sid, level, start + index / 50)
    return start + seconds


def test_a_voice_is_told_once_it_lasts():
    speakers = ActiveSpeakers()
    now = talk(speakers, "a", start=0.0, seconds=0.5)
    (change,) = speakers.update(now)
    assert (change.sid, change.active) == ("a", True)
    assert change.level == pytest.approx(10 ** (-25 / 20))
    assert speakers.update(now) == []


def test_a_cough_is_not_a_speaker():
    speakers = ActiveSpeakers()
    for start in (0.0, 0.5, 1.0):
        now = talk(speakers, "a", start=start, seconds=0.15)
        assert speakers.update(now) == []


def test_quiet_rooms_do_not_speak():
    speakers = ActiveSpeakers()
    now = talk(speakers, "a", start=0.0, seconds=3.0, level=55)
    assert speakers.update(now) == []


def test_a_short_pause_keeps_the_speaker_and_a_long_one_ends_it():
    speakers = ActiveSpeakers()
    now = talk(speakers, "a", start=0.0, seconds=0.5)
    speakers.update(now)
    assert speakers.update(now + 0.8) == []
    (change,) = speakers.update(now + 1.1)
    assert (change.sid, change.level, change.active) == ("a", 0.0, False)


def test_silent_packets_do_not_prolong_a_speaker():
    speakers = ActiveSpeakers()
    now = talk(speakers, "a", start=0.0, seconds=0.5)
    speakers.update(now)
    now = talk(speakers, "a", start=now, seconds=1.2, level=SILENCE)
    assert [change.active for change in speakers.update(now)] == [False]


def test_a_speaker_may_grow_softer_than_a_beginner():
    speakers = ActiveSpeakers()
    talk(speakers, "a", start=0.0, seconds=0.5)
    now = talk(speakers, "a", start=0.5, seconds=2.0, level=45)
    talk(speakers, "b", start=0.5, seconds=2.0, level=45)
    assert [change.sid for change in speakers.update(now)] == ["a"]


def test_the_loudest_comes_first_and_newcomers_hear_of_everyone():
    speakers = ActiveSpeakers()
    talk(speakers, "soft", start=0.0, seconds=0.5, level=35)
    now = talk(speakers, "loud", start=0.0, seconds=0.5, level=15)
    assert [change.sid for change in speakers.update(now)] == ["loud", "soft"]
    assert [change.sid for change in speakers.speaking()] == ["loud", "soft"]


def test_a_clear_change_of_level_is_told():
    speakers = ActiveSpeakers()
    now = talk(speakers, "a", start=0.0, seconds=0.5, level=35)
    speakers.update(now)
    now = talk(speakers, "a", start=now, seconds=1.0, level=15)
    (change,) = speakers.update(now)
    assert change.active
    assert change.level > 0.1


def test_whoever_left_is_not_mentioned_again():
    speakers = ActiveSpeakers()
    now = talk(speakers, "a", start=0.0, seconds=0.5)
    speakers.update(now)
    speakers.forget("a")
    assert speakers.update(now + 5) == []
    assert speakers.speaking() == []


def test_whoever_mutes_stops_speaking_for_everyone():
    """The Python SDK and livekit-client go by what they are told: the muted one kept its mark for good."""
    speakers = ActiveSpeakers()
    now = talk(speakers, "a", start=0.0, seconds=0.5)
    speakers.update(now)
    speakers.silence("a")
    assert speakers.speaking() == []
    (change,) = speakers.update(now)
    assert (change.sid, change.active) == ("a", False)
    assert speakers.update(now + 5) == []


def test_packets_still_on_their_way_when_somebody_mutes_do_not_bring_the_mark_back():
    speakers = ActiveSpeakers()
    now = talk(speakers, "a", start=0.0, seconds=0.5)
    speakers.update(now)
    speakers.silence("a")
    now = talk(speakers, "a", start=now, seconds=0.1)
    assert [change.active for change in speakers.update(now)] == [False]


def test_a_mute_that_nobody_noticed_is_not_told():
    speakers = ActiveSpeakers()
    now = talk(speakers, "a", start=0.0, seconds=0.1)
    speakers.silence("a")
    assert speakers.update(now) == []
