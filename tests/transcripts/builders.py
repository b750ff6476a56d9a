"""Recordings with real record logs, and transcripts with words, for tests to begin with."""

import struct
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import av
import numpy as np
import numpy.typing as npt
from django.utils import timezone

from accounts import tenancy
from accounts.models import User
from meetings.models import Meeting, Recording
from meetings.recording.log import RecordLogWriter, TrackHeader
from meetings.services import storage
from transcripts.models import Revision, SpeakerTurn, Transcript
from transcripts.services import indexing

Samples = npt.NDArray[np.int16]

RATE, FRAME = 16_000, 320
"""What is encoded: 20 ms packets."""
CLOCK, TICKS = 48_000, 960
"""Opus counts time at 48 kHz whatever is encoded (RFC 7587 §4.1)."""


def recording_of(
    meeting: Meeting, by: User, *, seconds: float = 5.0, ago: timedelta = timedelta(hours=1)
) -> Recording:
    """A recording of so many seconds whose files are ready, with its empty folder."""
    key, started = uuid4(), timezone.now() - ago
    with tenancy.scope(meeting.ministry_id):
        recording = Recording.objects.create(
            id=key,
            meeting=meeting,
            started_by=by,
            state="ready",
            started_at=started,
            stopped_at=started + timedelta(seconds=seconds),
            sealed_key=storage.sealed_key_new(str(key)),
            duration=seconds,
        )
    storage.recording_folder(recording).mkdir(parents=True)
    return recording


def track_log(
    recording: Recording,
    identity: str,
    name: str,
    sound: Samples,
    *,
    at: float = 0.0,
    source: str = "microphone",
) -> Path:
    """The record log of one Opus track: *sound* is 16 kHz mono, sent from *at* seconds on without loss."""
    start_ns = int((recording.started_at.timestamp() + at) * 1e9)
    header = TrackHeader(
        str(recording.meeting_id), identity, name, "TR", "audio", "audio/opus", CLOCK, 1, source, start_ns
    )
    path = storage.recording_folder(recording) / f"{uuid4().hex}.vlog"
    writer = RecordLogWriter(path, storage.key_unseal(recording), header)
    for number, payload in enumerate(_opus(sound)):
        head = struct.pack("!BBHII", 0x80, 111, number & 0xFFFF, number * TICKS, 0x1234)
        writer.rtp(head + payload, start_ns + number * 20_000_000)
    writer.close()
    return path


def _opus(sound: Samples) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "s16"
    encoder.bit_rate = 32_000
    payloads: list[bytes] = []
    for at in range(0, len(sound) - FRAME + 1, FRAME):
        frame = av.AudioFrame.from_ndarray(sound[None, at : at + FRAME], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, at
        payloads += [bytes(packet) for packet in encoder.encode(frame)]
    return payloads + [bytes(packet) for packet in encoder.encode(None)]


def tone(seconds: float, hertz: float = 440.0) -> Samples:
    """Sound that is no speech."""
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def words_at(text: str, start: float, pace: float = 0.5) -> list[dict[str, object]]:
    """One word every *pace* seconds, as a turn's row keeps them."""
    return [
        {"text": word, "start": start + n * pace, "end": start + (n + 0.8) * pace, "confidence": None}
        for n, word in enumerate(text.split())
    ]


def transcript_of(
    recording: Recording, turns: Sequence[tuple[str, float, str]], *, language: str = "en"
) -> Transcript:
    """A finished transcript, in the index: *turns* are (speaker, start in seconds, text)."""
    with tenancy.scope(recording.ministry_id):
        transcript = Transcript.objects.create(
            recording=recording, language=language, state="ready", engine="pocketsphinx", quality="demo"
        )
        revision = Revision.objects.create(transcript=transcript)
        for position, (speaker, start, text) in enumerate(turns):
            words = words_at(text, start)
            SpeakerTurn.objects.create(
                revision=revision,
                position=position,
                identity=f"user-{speaker}",
                speaker=speaker,
                start=start,
                end=words[-1]["end"],
                text=text,
                words=words,
            )
        indexing.transcript_index(transcript=transcript)
    return transcript
