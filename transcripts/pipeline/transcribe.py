"""From one sound file per person to the speaker turns of a meeting."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transcripts.engines.base import Progress, Span, Word
from transcripts.pipeline import sound
from transcripts.pipeline.child import Request
from transcripts.pipeline.gate import PlacedTrack, leaked_spans
from transcripts.pipeline.recogniser_process import Runner
from transcripts.turns import SpeakerTrack, SpeakerTurn, speaker_turns

GATED = 0.05  # share of the progress told when the gate is done


@dataclass(frozen=True, slots=True)
class TrackSound:
    """One microphone track; several of one person (a microphone published again) share the speaker's id."""

    path: Path
    """16 kHz mono 16-bit WAV, silence in its gaps."""
    speaker_id: str
    name: str
    offset: float
    """Seconds from the recording's start to the first sample."""


def transcribe_meeting(
    tracks: Sequence[TrackSound], language: str, run: Runner, progress: Progress
) -> list[SpeakerTurn]:
    """The meeting's speaker turns, times in seconds from the recording's start.

    `run` recognises one track (`RecogniserProcess.transcribe`); it raises TranscriptError. Raises
    SoundUnreadable.
    """
    lengths = [sound.length(track.path) for track in tracks]
    leaks = leaked_spans([PlacedTrack(track.path, track.offset, track.speaker_id) for track in tracks])
    progress(GATED)
    spoken: list[SpeakerTrack] = []
    for at, (track, leak) in enumerate(zip(tracks, leaks, strict=True)):
        words = run(Request(track.path, language, tuple(leak)), _part(progress, lengths, at))
        spoken.append(SpeakerTrack(track.speaker_id, track.name, _placed(words, track.offset, leak)))
    progress(1.0)
    return speaker_turns(spoken)


def _part(progress: Progress, lengths: Sequence[float], at: int) -> Progress:
    """Progress of one track told as progress of the whole, by the tracks' lengths."""
    total = sum(lengths) or 1.0
    before, own = sum(lengths[:at]) / total, lengths[at] / total
    return lambda share: progress(GATED + (1 - GATED) * (before + own * share))


def _placed(words: Sequence[Word], offset: float, leak: Sequence[Span]) -> list[Word]:
    """Words on the recording's clock, without those that a recogniser made of the silenced stretches."""
    own = (
        word for word in words if not any(span.start <= word.start and word.end <= span.end for span in leak)
    )
    return [Word(word.text, word.start + offset, word.end + offset, word.confidence) for word in own]
