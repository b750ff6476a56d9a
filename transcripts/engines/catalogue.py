"""Which recognisers are usable here, for which languages, and if not, what to install."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from transcripts.engines import faster_whisper, pocketsphinx, remote, whisperx
from transcripts.engines.base import EngineSettings, EngineStatus, Recogniser
from transcripts.errors import EngineUnusable, NoEngineForLanguage


class Engine(Protocol):
    """What each engine's module offers. Importing one loads no library of its own."""

    def status(self, settings: EngineSettings) -> EngineStatus:
        """Whether it can be used, told without loading a model."""

    def load(self, settings: EngineSettings) -> Recogniser:
        """The recogniser, its model loaded. Raises EngineUnusable."""


ENGINES: Mapping[str, Engine] = MappingProxyType(
    {
        "faster_whisper": faster_whisper,
        "pocketsphinx": pocketsphinx,
        "remote": remote,
        "whisperx": whisperx,
    }
)


def installed(settings: EngineSettings) -> list[EngineStatus]:
    """The state of each engine in the settings' order. Raises EngineUnusable for a name that is none."""
    return [_engine(name).status(settings) for name in settings.order]


def choose(language: str, settings: EngineSettings) -> EngineStatus:
    """The first usable engine that speaks `language` (`fr`, `fr-FR`).

    Raises NoEngineForLanguage, EngineUnusable.
    """
    spoken = base_language(language)
    states = installed(settings)
    for state in states:
        if state.usable and spoken in state.languages:
            return state
    raise NoEngineForLanguage(spoken, {state.name: _reason(state, spoken) for state in states})


def load(name: str, settings: EngineSettings) -> Recogniser:
    """One engine by its name. Raises EngineUnusable, ModelRefused."""
    return _engine(name).load(settings)


def base_language(language: str) -> str:
    """The language without its region: `fr-FR` → `fr` (RFC 5646's primary subtag)."""
    return language.replace("_", "-").partition("-")[0].lower()


def _engine(name: str) -> Engine:
    if name not in ENGINES:
        raise EngineUnusable(f"there is no engine “{name}”; there are {', '.join(sorted(ENGINES))}")
    return ENGINES[name]


def _reason(state: EngineStatus, language: str) -> str:
    if state.reason:
        return state.reason
    return (
        f"speaks only {', '.join(sorted(state.languages))}"
        if len(state.languages) < 10
        else "does not speak it"
    )
