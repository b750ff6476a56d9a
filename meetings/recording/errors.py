"""What can go wrong with a recording on disk."""


class RecordingError(Exception):
    """Base of everything `meetings.recording` raises on purpose."""


class RecordLogError(RecordingError):
    """A record log cannot be read (or written) further. `frame` is the frame's number, if one is to blame."""

    def __init__(self, reason: str, *, frame: int | None = None) -> None:
        self.frame = frame
        super().__init__(reason if frame is None else f"frame {frame}: {reason}")


class NotARecordLog(RecordLogError):
    """The file does not begin with the magic of a record log, or has a version this code does not know."""


class LogWithoutHeader(RecordLogError):
    """The writer was killed before frame 0 was on disk, so there is nothing to read."""


class WrongKey(RecordLogError):
    """Frame 0 does not open: the key is another one, or the beginning of the file was altered."""


class TamperedLog(RecordLogError):
    """A frame after frame 0 does not open: it was altered, moved, or bytes around it were removed."""


class MalformedLog(RecordLogError):
    """A frame opened, but what its writer put inside breaks the format."""


class LogClosed(RecordLogError):
    """A write to a log that was closed, or that an earlier failed write left torn."""


class UnsupportedMedia(RecordingError):
    """A codec that this operation cannot handle."""


class EmptyRecording(RecordingError):
    """Not one playable packet in the given tracks."""
