"""Writing and reading record logs: append-only, encrypted, readable after a crash (docs/record-log.md).

writer = RecordLogWriter(path, key, header)
writer.rtp(packet, arrival_ns)
writer.flush()                              # at least once a second
writer.close()

for record in read_log(path, key).records: ...
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from .envelope import (
    FRAME_HEADER_SIZE,
    MAGIC,
    PREAMBLE_SIZE,
    SALT_SIZE,
    TAG_SIZE,
    VERSION,
    Envelope,
    preamble,
)
from .errors import (
    LogClosed,
    LogWithoutHeader,
    MalformedLog,
    NotARecordLog,
    RecordLogError,
    TamperedLog,
    WrongKey,
)
from .records import (
    MAX_BODY,
    MAX_RECORD,
    EndRecord,
    MuteRecord,
    Record,
    RtpRecord,
    SenderReport,
    TrackHeader,
    pack_header,
    pack_record,
    unpack_header,
    unpack_records,
)

__all__ = [
    "EndRecord",
    "MuteRecord",
    "Record",
    "RecordLog",
    "RecordLogWriter",
    "RtpRecord",
    "SenderReport",
    "TrackHeader",
    "read_log",
]

# Buffered plaintext per frame: large enough that 28 bytes of frame are nothing, small enough that a
# full frame is sealed in well under a millisecond. A single longer record gets a frame of its own.
FRAME_TARGET: Final = 64 * 1024
MAX_PLAINTEXT: Final = MAX_RECORD
_MAX_SEALED: Final = MAX_PLAINTEXT + TAG_SIZE


class RecordLogWriter:
    """Appends one track to a new log at `path`. Owned by one thread at a time.

    `key`: 32 bytes; each log derives its own keys from it and a random salt. Raises FileExistsError where
    the file exists: a log is never continued, so no nonce can repeat. An OSError of a write (disk full)
    goes to the caller once; from then on every call raises LogClosed, and the log stays readable up to
    its last whole frame. `dropped` counts packets too long to record (over 65,535 bytes).
    """

    def __init__(self, path: Path, key: bytes, header: TrackHeader) -> None:
        first = pack_header(header)
        if len(first) > MAX_PLAINTEXT:
            raise ValueError(f"a track header of {len(first)} bytes does not fit one frame")
        salt = secrets.token_bytes(SALT_SIZE)
        self._envelope = Envelope(key, salt)
        self._next_frame = 1
        self._buffer = bytearray()
        self._last_arrival_ns = header.started_wall_ns
        self.dropped = 0
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file: BinaryIO | None = os.fdopen(descriptor, "wb", buffering=0)
        self._write(preamble(salt) + self._envelope.seal(0, first))

    @property
    def closed(self) -> bool:
        """True after `close`, and after a failed write."""
        return self._file is None

    def rtp(self, packet: bytes, arrival_ns: int) -> None:
        """Records a plain (unprotected) RTP packet, header included."""
        if len(packet) > MAX_BODY:
            self.dropped += 1
            return
        self._append(RtpRecord(packet, arrival_ns))

    def sender_report(self, ntp: int, rtp_timestamp: int, arrival_ns: int) -> None:
        """Records the clock pair of an RTCP sender report; `ntp` is its 64-bit NTP timestamp."""
        self._append(SenderReport(ntp, rtp_timestamp, arrival_ns))

    def mute(self, muted: bool, arrival_ns: int) -> None:
        """Records that the track was muted or unmuted."""
        self._append(MuteRecord(muted, arrival_ns))

    def flush(self) -> None:
        """Seals what is buffered, if anything, into one frame and hands it to the kernel."""
        self._require_open()
        if self._buffer:
            number, self._next_frame = self._next_frame, self._next_frame + 1
            plaintext, self._buffer = bytes(self._buffer), bytearray()
            self._write(self._envelope.seal(number, plaintext))

    def close(self, ended_ns: int = 0) -> None:
        """Writes the end record and waits until the disk has everything. Closing twice does nothing.

        `ended_ns`: when the recording of the track ended, which may be long after its last packet.
        """
        if self._file is None:
            return
        self._append(EndRecord(max(self._last_arrival_ns, ended_ns)))
        self.flush()
        file, self._file = self._file, None
        try:
            os.fsync(file.fileno())
        finally:
            file.close()

    def _append(self, record: Record) -> None:
        self._require_open()
        data = pack_record(record)
        if len(self._buffer) + len(data) > FRAME_TARGET:
            self.flush()
        self._buffer += data
        self._last_arrival_ns = max(self._last_arrival_ns, record.arrival_ns)

    def _require_open(self) -> BinaryIO:
        if self._file is None:
            raise LogClosed("the log is closed")
        return self._file

    def _write(self, data: bytes) -> None:
        file = self._require_open()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            # Half a frame may be on disk; whatever followed it could not be read back.
            self._file = None
            file.close()
            raise


@dataclass(frozen=True)
class RecordLog:
    """An opened log. `complete`: it ends with an end record. `lost_bytes`: length of a torn last frame.

    `ended_wall_ns`: Unix time of its last record.
    """

    path: Path
    header: TrackHeader
    complete: bool
    lost_bytes: int
    ended_wall_ns: int
    _envelope: Envelope
    _frames: int

    @property
    def records(self) -> Iterator[Record]:
        """A fresh pass over all records, one frame in memory at a time.

        Raises TamperedLog or MalformedLog on reaching a bad frame, after everything before it.
        """
        with self.path.open("rb") as file:
            file.seek(PREAMBLE_SIZE)
            for number in range(self._frames):
                plaintext = _read_frame(file, self._envelope, number)
                if number > 0:
                    yield from _records(number, plaintext)


def read_log(path: Path, key: bytes) -> RecordLog:
    """Opens a log, finished, torn or still being written. Raises OSError and RecordLogError's subclasses.

    Every frame's header is checked here and a frame's content when its turn comes in `records`.
    """
    with path.open("rb") as file:
        envelope = _open_envelope(file, key)
        header = _read_header(file, envelope)
        frames, last, end = _walk(file, envelope)
        file.seek(0, os.SEEK_END)
        lost = file.tell() - end
        latest = _latest(file, envelope, frames - 1, last) if frames > 1 else []
    complete = lost == 0 and bool(latest) and isinstance(latest[-1], EndRecord)
    ended = max((record.arrival_ns for record in latest), default=header.started_wall_ns)
    return RecordLog(path, header, complete, lost, ended, envelope, frames)


def _open_envelope(file: BinaryIO, key: bytes) -> Envelope:
    start = file.read(PREAMBLE_SIZE)
    if start[: len(MAGIC)] != MAGIC[: len(start)] or not start:
        raise NotARecordLog("the file is not a record log")
    if len(start) < PREAMBLE_SIZE:
        raise LogWithoutHeader("the log breaks off before its first frame")
    if start[len(MAGIC)] != VERSION:
        raise NotARecordLog(f"record log of unknown version {start[len(MAGIC)]}")
    return Envelope(key, start[-SALT_SIZE:])


def _read_header(file: BinaryIO, envelope: Envelope) -> TrackHeader:
    try:
        plaintext = _read_frame(file, envelope, 0)
    except EOFError:
        raise LogWithoutHeader("the log breaks off inside its first frame", frame=0) from None
    try:
        return unpack_header(plaintext)
    except ValueError as error:
        raise MalformedLog(str(error), frame=0) from error


def _walk(file: BinaryIO, envelope: Envelope) -> tuple[int, int, int]:
    """Steps from frame header to frame header: (number of whole frames, offset of the last, end of it)."""
    file.seek(0, os.SEEK_END)
    size = file.tell()
    number, last, position = 0, PREAMBLE_SIZE, PREAMBLE_SIZE
    while True:
        file.seek(position)
        try:
            length = _read_length(file, envelope, number)
        except EOFError:
            return number, last, position
        end = position + FRAME_HEADER_SIZE + length
        if end > size:
            return number, last, position
        number, last, position = number + 1, position, end


def _read_length(file: BinaryIO, envelope: Envelope, number: int) -> int:
    head = file.read(FRAME_HEADER_SIZE)
    if len(head) < FRAME_HEADER_SIZE:
        raise EOFError
    length = envelope.length(number, head)
    if length is None:
        if number > 0 and not any(head) and _only_zeros(file):
            # A power cut can leave a file longer than what was written, filled with zeros.
            raise EOFError
        raise _not_authentic(number)
    if not TAG_SIZE <= length <= _MAX_SEALED:
        raise MalformedLog(f"a frame of {length} bytes", frame=number)
    return length


def _read_frame(file: BinaryIO, envelope: Envelope, number: int) -> bytes:
    length = _read_length(file, envelope, number)
    sealed = file.read(length)
    if len(sealed) < length:
        raise EOFError
    plaintext = envelope.open(number, sealed)
    if plaintext is None:
        raise _not_authentic(number)
    return plaintext


def _only_zeros(file: BinaryIO) -> bool:
    while block := file.read(FRAME_TARGET):
        if any(block):
            return False
    return True


def _not_authentic(number: int) -> RecordLogError:
    if number == 0:
        return WrongKey("does not open: another key, or the log's beginning was altered", frame=0)
    return TamperedLog("was altered, moved, or follows bytes that were removed", frame=number)


def _records(number: int, plaintext: bytes) -> Iterator[Record]:
    try:
        yield from unpack_records(plaintext)
    except ValueError as error:
        raise MalformedLog(str(error), frame=number) from error


def _latest(file: BinaryIO, envelope: Envelope, number: int, offset: int) -> list[Record]:
    """The records of the last whole frame."""
    file.seek(offset)
    return list(_records(number, _read_frame(file, envelope, number)))
