"""What the operator's environment variables say, read once and checked.

Every variable has one reader here, so that the whole of Visio's configuration can be read in one file.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from visio_portal.addresses import announced_addresses, machine_names

ROOT = Path(__file__).resolve().parent.parent


class BadEnvironment(Exception):
    """An environment variable holds something Visio cannot use; the message is for the operator."""


@dataclass(frozen=True)
class Speech:
    """Which recognisers to use, in order of preference, and where models and a remote one are."""

    engines: tuple[str, ...]
    models: Path
    whisper_model: str
    device: str
    remote_url: str
    remote_key: str
    remote_model: str
    remote_format: str
    remote_languages: tuple[str, ...]


@dataclass(frozen=True)
class Environment:
    """The operator's wishes: where to listen (TCP, UDP), where all state is kept, what to announce."""

    host: str
    port: int
    data: Path
    udp_port: int
    media_addresses: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    speech: Speech

    @property
    def address(self) -> str:
        """The address a person types, such as ``http://localhost:8000``."""
        return f"http://{_typed_host(self.host)}:{self.port}"

    @property
    def loopback_address(self) -> str:
        """The address under which this machine reaches its own portal."""
        wildcard = self.host in ("0.0.0.0", "::", "127.0.0.1", "localhost")
        return f"http://{'127.0.0.1' if wildcard else _bracketed(self.host)}:{self.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _typed_host(host: str) -> str:
    return "localhost" if host in ("0.0.0.0", "::", "127.0.0.1", "::1") else _bracketed(host)


def _port(name: str, default: int, *, lowest: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not lowest <= int(text) <= 65535:
        raise BadEnvironment(f"{name} must be a port number from {lowest} to 65535, not “{text}”.")
    return int(text)


def _listed(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in os.environ.get(name, "").split(",") if part.strip())


def _text(name: str, default: str) -> str:
    return os.environ.get(name, "").strip() or default


def _folder(name: str, default: Path) -> Path:
    return Path(os.environ.get(name) or default).expanduser().resolve()


def read() -> Environment:
    """Reads the environment. Raises BadEnvironment naming the variable at fault."""
    host = os.environ.get("VISIO_HOST", "").strip() or "127.0.0.1"
    data = _folder("VISIO_DATA", ROOT / "data")
    media = _listed("VISIO_MEDIA_IP") or announced_addresses()
    return Environment(
        host=host,
        port=_port("PORT", 8000, lowest=1),
        data=data,
        udp_port=_port("VISIO_UDP_PORT", 0, lowest=0),
        media_addresses=media,
        allowed_hosts=(*machine_names(), *media, host, *_listed("VISIO_ALLOWED_HOSTS")),
        speech=_speech(data),
    )


def _speech(data: Path) -> Speech:
    return Speech(
        engines=_listed("VISIO_SPEECH_ENGINES") or ("whisperx", "faster_whisper", "remote", "pocketsphinx"),
        models=_folder("VISIO_MODELS_DIR", data / "models"),
        whisper_model=_text("VISIO_WHISPER_MODEL", ""),
        device=_text("VISIO_SPEECH_DEVICE", "cpu"),
        remote_url=_text("VISIO_REMOTE_SPEECH_URL", ""),
        remote_key=_text("VISIO_REMOTE_SPEECH_KEY", ""),
        remote_model=_text("VISIO_REMOTE_SPEECH_MODEL", "whisper-1"),
        remote_format=_text("VISIO_REMOTE_SPEECH_FORMAT", "verbose_json"),
        remote_languages=_listed("VISIO_REMOTE_SPEECH_LANGUAGES"),
    )
