"""From a recording to its transcript: chooses the engine, hears every person, writes one engine revision."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from accounts.models import SpokenLanguage
from meetings.models import Recording
from meetings.services.outbox import Lease
from transcripts import turns
from transcripts.engines.base import EngineSettings, EngineStatus, Progress, Word
from transcripts.engines.catalogue import choose
from transcripts.errors import EngineUnusable, NoEngineForLanguage
from transcripts.models import Revision, SpeakerTurn, Transcript, TranscriptState
from transcripts.pipeline.child import Request
from transcripts.pipeline.recogniser_process import RecogniserProcess
from transcripts.pipeline.transcribe import transcribe_meeting
from transcripts.services import indexing, sounds
from transcripts.services.sounds import Voices

log = logging.getLogger("visio.transcripts")


class Listener(Protocol):
    """An engine that has been started."""

    def transcribe(self, request: Request, progress: Progress) -> list[Word]:
        """The words of one track. Raises TranscriptError."""


Recognition = Callable[[str, EngineSettings], AbstractContextManager[Listener]]
"""Starts an engine by its name, in a process of its own that ends with the context."""


def engine_settings() -> EngineSettings:
    """What this deployment is configured to recognise speech with."""
    wished = settings.SPEECH
    return EngineSettings(
        order=wished.engines,
        models_dir=wished.models,
        whisper_model=wished.whisper_model,
        device=wished.device,
        remote_url=wished.remote_url,
        remote_key=wished.remote_key,
        remote_model=wished.remote_model,
        remote_format=wished.remote_format,
        remote_languages=wished.remote_languages,
    )


def recording_transcribe(lease: Lease, *, recognition: Recognition = RecogniserProcess) -> None:
    """The job's work: ends in a transcript that is ready, or unavailable where no engine speaks the language.

    Done twice, or again after a kill, it leaves one engine revision. Raises LeaseLost, TranscriptError.
    """
    recording = Recording.objects.select_related("meeting").filter(id=lease.subject).first()
    if recording is None:
        with lease.outcome():
            log.info("recording %s was deleted before it was transcribed", lease.subject)
        return
    transcript = _transcript_of(recording)
    try:
        engine = choose(transcript.language, engine_settings())
    except (NoEngineForLanguage, EngineUnusable) as error:
        with lease.outcome():
            _close(transcript, TranscriptState.UNAVAILABLE, reason=_what_is_missing(error))
        return
    _begin(lease, transcript, engine)
    voices, spoken = _recognised(lease, recording, transcript.language, engine, recognition)
    with lease.outcome():
        _engine_revision(transcript, spoken)
        _close(transcript, TranscriptState.READY, reason=_what_was_not_heard(voices))


def transcript_give_up(recording_id: UUID, error: str) -> None:
    """Records that the last attempt failed."""
    recording = Recording.objects.select_related("meeting").filter(id=recording_id).first()
    if recording is not None:
        sounds.leftovers_remove(recording)
        reason = f"The recording is kept, but its speech could not be recognised: {error}"
        _close(_transcript_of(recording), TranscriptState.FAILED, reason=reason)


def _transcript_of(recording: Recording) -> Transcript:
    language = recording.meeting.spoken_language
    transcript: Transcript
    transcript, _ = Transcript.objects.get_or_create(recording=recording, defaults={"language": language})
    return transcript


def _begin(lease: Lease, transcript: Transcript, engine: EngineStatus) -> None:
    with transaction.atomic():
        lease.progress("decoding", 0.0)  # the lease is checked in the transaction: no late worker writes
        transcript.state, transcript.reason = TranscriptState.TRANSCRIBING, ""
        transcript.engine, transcript.quality = engine.name, engine.quality
        transcript.save(update_fields=["state", "reason", "engine", "quality"])


def _recognised(
    lease: Lease, recording: Recording, language: str, engine: EngineStatus, recognition: Recognition
) -> tuple[Voices, list[turns.SpeakerTurn]]:
    """Hears every track; a lost lease ends the recogniser's process on the way out."""
    with sounds.speech_folder(recording, lease.fence) as folder:
        voices = sounds.voices_decode(
            recording=recording, folder=folder, progress=partial(lease.progress, "decoding")
        )
        if not voices.tracks:
            return voices, []
        with recognition(engine.name, engine_settings()) as process:
            progress = partial(lease.progress, "transcribing")
            return voices, transcribe_meeting(voices.tracks, language, process.transcribe, progress)


def _engine_revision(transcript: Transcript, spoken: Sequence[turns.SpeakerTurn]) -> None:
    """The one revision that has no author, made anew, and found from now on where it is the newest."""
    transcript.revisions.filter(author=None).delete()
    revision = Revision.objects.create(transcript=transcript, number=1)
    SpeakerTurn.objects.bulk_create(
        SpeakerTurn(
            ministry_id=transcript.ministry_id,
            revision=revision,
            position=position,
            identity=turn.speaker_id,
            speaker=turn.speaker,
            start=round(turn.start, 3),
            end=round(turn.end, 3),
            text=turn.text,
            words=[_kept(word) for word in turn.words],
        )
        for position, turn in enumerate(spoken)
    )
    indexing.transcript_index(transcript=transcript)


def _kept(word: turns.TimedWord) -> dict[str, str | float | None]:
    """A word as the turn's row keeps it, its times to the millisecond."""
    sure = None if word.confidence is None else round(word.confidence, 3)
    return {"text": word.text, "start": round(word.start, 3), "end": round(word.end, 3), "confidence": sure}


def _close(transcript: Transcript, state: TranscriptState, *, reason: str) -> None:
    transcript.state, transcript.reason, transcript.finished_at = state, reason, timezone.now()
    transcript.save(update_fields=["state", "reason", "finished_at"])


def _what_is_missing(error: NoEngineForLanguage | EngineUnusable) -> str:
    """A sentence, then a line per engine: why it does not serve, and what to install."""
    if not isinstance(error, NoEngineForLanguage):
        return f"Speech recognition is not configured correctly: {error}"
    with translation.override("en"):
        language = str(dict(SpokenLanguage.choices).get(error.language, error.language))
    lines = [f"{engine}: {reason}" for engine, reason in error.reasons.items()]
    return "\n".join([f"No installed recogniser understands {language}.", *lines])


def _what_was_not_heard(voices: Voices) -> str:
    if voices.unreadable:
        return f"{voices.unreadable} track(s) could not be read; what was said there is missing."
    return "" if voices.tracks else "Nobody's microphone was on while this was recorded."
