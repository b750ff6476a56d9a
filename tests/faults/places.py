"""Where a process was when it was killed: told by what it left in the database, in the order of the work."""

from dataclasses import dataclass

from tests.faults.eye import JobSeen, Seen

BEFORE_PACKETS = "recording: before the first packet"
WRITING = "recording: tracks being written"
STOP_PRESSED = "recording: stop decided, logs still open"
WEBHOOK = "recording: logs closed, webhook not answered"
FILES_QUEUED = "outbox: recording's job committed, no lease yet"
FILES_LEASED = "outbox: lease taken, nothing told yet"
REMUX = "files: remuxing"
MIX = "files: mixing"
FILES_OUTCOME = "files: mixed, outcome not written"
FILES_AGAIN = "outbox: attempt failed, waiting for the next"
HEARTBEAT = "outbox: heartbeat waiting to renew the lease"
SPEECH_QUEUED = "outbox: transcription committed, no lease yet"
SPEECH_LEASED = "outbox: transcription leased, nothing told yet"
DECODE = "transcription: decoding"
LOADING = "transcription: engine loading"
RECOGNISING = "transcription: recognising"
MERGING = "merge: recognised, outcome not begun"
INDEXING = "indexing: inside the outcome's transaction"
COMMITTED = "indexing: committed, nobody told yet"

IN_ORDER = (
    BEFORE_PACKETS,
    WRITING,
    STOP_PRESSED,
    WEBHOOK,
    FILES_QUEUED,
    FILES_LEASED,
    REMUX,
    MIX,
    FILES_OUTCOME,
    FILES_AGAIN,
    HEARTBEAT,
    SPEECH_QUEUED,
    SPEECH_LEASED,
    DECODE,
    LOADING,
    RECOGNISING,
    MERGING,
    INDEXING,
    COMMITTED,
)

_GATED = 0.05  # transcripts.pipeline.transcribe.GATED: nothing recognised up to there


@dataclass(frozen=True)
class Circumstances:
    """What the rows do not tell: packets in any log, all logs closed, a writing transaction open."""

    packets: bool = True
    closed: bool = True
    writing: bool = False


def place(seen: Seen, at: Circumstances) -> str:
    """The stage of the work that the rows are in."""
    if seen.speech.exists:
        return _speech(seen.speech, at)
    if seen.files.exists:
        return _files(seen.files)
    if seen.recording == "stopping":
        return WEBHOOK if at.closed else STOP_PRESSED
    return WRITING if at.packets else BEFORE_PACKETS


def _files(job: JobSeen) -> str:
    match job.state, job.stage:
        case "queued", _:
            return FILES_AGAIN if job.fence else FILES_QUEUED
        case _, "remuxing":
            return REMUX
        case _, "mixing":
            return FILES_OUTCOME if job.progress >= 1.0 else MIX
        case _:
            return FILES_LEASED


def _speech(job: JobSeen, at: Circumstances) -> str:
    if job.state == "done":
        return COMMITTED
    if job.state == "queued":
        return FILES_AGAIN if job.fence else SPEECH_QUEUED
    if job.stage == "decoding":
        return DECODE
    if job.stage != "transcribing":
        return SPEECH_LEASED
    if job.progress >= 1.0:
        return INDEXING if at.writing else MERGING
    return RECOGNISING if job.progress > _GATED else LOADING
