"""Everything that can go wrong on the way from sound to a searchable transcript."""

from collections.abc import Mapping


class TranscriptError(Exception):
    """Base of all errors of this app; its text may be shown to the meeting's host."""


class NoEngineForLanguage(TranscriptError):
    """No usable recogniser speaks the meeting's language; `reasons` says, per engine, why not."""

    def __init__(self, language: str, reasons: Mapping[str, str]) -> None:
        self.language = language
        self.reasons = dict(reasons)
        listed = "; ".join(f"{engine}: {reason}" for engine, reason in self.reasons.items())
        super().__init__(f"no recogniser for “{language}” is installed ({listed or 'no engine is chosen'})")


class LanguageNotSpoken(TranscriptError):
    """A recogniser was asked for a language that it does not know; it is never run on one."""

    def __init__(self, engine: str, language: str) -> None:
        super().__init__(f"{engine} does not know the language “{language}”")


class EngineUnusable(TranscriptError):
    """An engine's package, model or address is missing; the text says what to install or set."""


class ModelRefused(EngineUnusable):
    """A model's files are not those that its list of checksums names."""


class RecogniserDied(TranscriptError):
    """The process that was recognising speech crashed, was killed, or stopped answering."""


class RemoteRecogniserFailed(TranscriptError):
    """The remote recogniser could not be reached, refused, or gave an answer that cannot be read."""


class SoundUnreadable(TranscriptError):
    """A track's sound is not a readable 16 kHz mono 16-bit WAV file."""
