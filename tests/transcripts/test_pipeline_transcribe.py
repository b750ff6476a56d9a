"""From several tracks to the speaker turns of a meeting."""

from pathlib import Path

import pytest

from tests.transcripts.voices import babble, leak_into, silence, write_wav
from transcripts.engines.base import Progress, Word
from transcripts.errors import SoundUnreadable
from transcripts.pipeline import sound
from transcripts.pipeline.child import Request
from transcripts.pipeline.transcribe import TrackSound, transcribe_meeting


class Reader:
    """Recognises each track as the words it was given for it."""

    def __init__(self, words: dict[str, list[Word]]) -> None:
        self.words = words
        self.requests: list[Request] = []

    def __call__(self, request: Request, progress: Progress) -> list[Word]:
        self.requests.append(request)
        progress(0.5)
        progress(1.0)
        return self.words[request.path.name]


def test_tracks_of_one_person_merge_under_one_name(tmp_path: Path) -> None:
    tracks = [
        TrackSound(write_wav(tmp_path / "a1.wav", silence(3)), "a", "Ada", 0.0),
        TrackSound(write_wav(tmp_path / "b.wav", silence(6)), "b", "Bo", 2.0),
        TrackSound(write_wav(tmp_path / "a2.wav", silence(3)), "a", "Ada", 10.0),
    ]
    reader = Reader(
        {
            "a1.wav": [Word("hello", 1.0, 1.4, 0.9)],
            "b.wav": [Word("good", 1.0, 1.3), Word("morning", 1.4, 1.9)],
            "a2.wav": [Word("again", 0.5, 0.9)],
        }
    )
    told: list[float] = []
    turns = transcribe_meeting(tracks, "en", reader, told.append)
    assert [(turn.speaker, turn.text, turn.start) for turn in turns] == [
        ("Ada", "hello", 1.0),
        ("Bo", "good morning", 3.0),
        ("Ada", "again", 10.5),
    ]
    assert turns[0].words[0].confidence == 0.9
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert [request.language for request in reader.requests] == ["en"] * 3


def test_leaked_speech_is_muted_before_recognition_and_left_out_after(tmp_path: Path) -> None:
    one = babble(1, 30, [(1, 5), (11, 15), (21, 24)])
    two = babble(2, 30, [(6, 10), (16, 20), (25, 29)])
    tracks = [
        TrackSound(write_wav(tmp_path / "one.wav", leak_into(one, two, -20, 0.06)), "a", "Ada", 0.0),
        TrackSound(write_wav(tmp_path / "two.wav", two), "b", "Bo", 0.0),
    ]
    said = [Word("mine", 2.0, 2.5), Word("theirs", 8.0, 8.3)]
    reader = Reader({"one.wav": said, "two.wav": [Word("theirs", 8.0, 8.3)]})
    turns = transcribe_meeting(tracks, "en", reader, lambda share: None)
    assert [(turn.speaker, turn.text) for turn in turns] == [("Ada", "mine"), ("Bo", "theirs")]
    assert any(span.start < 8.0 and span.end > 8.3 for span in reader.requests[0].muted)
    assert reader.requests[1].muted == ()


def test_a_meeting_without_tracks_has_no_turns() -> None:
    assert transcribe_meeting([], "en", Reader({}), lambda share: None) == []


def test_sound_is_read_whole_and_in_blocks(tmp_path: Path) -> None:
    pcm = babble(3, 2, [(0, 2)])
    path = write_wav(tmp_path / "track.wav", pcm)
    assert (sound.read(path) == pcm).all()
    assert [block.size for block in sound.blocks(path, 20_000)] == [20_000, 12_000]
    assert sound.length(path) == 2.0


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"OggS" * 100])
def test_what_is_not_a_wav_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "track.wav"
    path.write_bytes(content)
    with pytest.raises(SoundUnreadable, match="cannot be read"):
        sound.read(path)


def test_another_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SoundUnreadable, match="48000 Hz"):
        sound.length(write_wav(tmp_path / "track.wav", silence(1), rate=48_000))
