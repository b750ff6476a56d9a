"""What the operator's environment variables say, read once and checked.

Every variable has one reader here, so that the whole of Visio's configuration can be read in one file.
"""

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from visio_portal import service_urls
from visio_portal.addresses import WILDCARDS, announced_addresses, bracketed, is_loopback, machine_names
from visio_portal.forwarding import Forwarding, forwarding
from visio_portal.proxies import Network
from visio_portal.tls import Certificate, UnusableCertificate, certificate_for
from visio_portal.turn import Turn, turn

ROOT = Path(__file__).resolve().parent.parent
IN_PROCESS_BROKER = "memory://localhost/"
REGISTERED = service_urls.REGISTERED

Value = TypeVar("Value")


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
class Services:
    """Other servers that Visio stands on; without them it needs none."""

    postgresql: Mapping[str, str]
    """libpq's connection parameters; empty where SQLite in the data folder serves."""
    redis: str
    """The URL; empty where each process counts tries for itself."""
    broker: str

    @property
    def worker_may_be_apart(self) -> bool:
        """Whether a worker in a process of its own would hear of anything."""
        return self.broker != IN_PROCESS_BROKER


@dataclass(frozen=True)
class Environment:
    """The operator's wishes: where to listen (TCP, UDP), where all state is kept, what to announce.

    `tls` is empty, ``self-signed`` or ``CERT:KEY``; what a proxy among `trusted_proxies` says is believed.
    """

    host: str
    port: int
    data: Path
    udp_port: int
    media_addresses: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    speech: Speech
    tls: str
    trusted_proxies: tuple[Network, ...]
    services: Services
    relay_url: str
    """Where a relay in a process of its own listens (``manage.py relay``); `REGISTERED`: there are several,
    each registers itself in the database; empty: it runs in this one."""
    webhook_url: str
    """Where that relay tells the portal what happens; empty: at this machine's ``PORT``."""
    media_tcp: bool
    """Whether media may come over TCP as well, at the number of a UDP port that was named."""
    turn: Turn
    forwarding: Forwarding

    @property
    def address(self) -> str:
        """The address a person types, such as ``http://localhost:8000``."""
        return self._address_at("localhost" if self.host in (*WILDCARDS, "127.0.0.1", "::1") else self.host)

    @property
    def addresses_elsewhere(self) -> tuple[str, ...]:
        """The addresses that people at other machines type; none where only this machine is listened to."""
        if is_loopback(self.host):
            return ()
        if self.host not in WILDCARDS:
            return (self.address,)
        heard = [host for host in announced_addresses() if self.host == "::" or ":" not in host]
        return tuple(self._address_at(host) for host in heard if not is_loopback(host))

    @property
    def loopback_address(self) -> str:
        """The address under which this machine reaches its own portal: over plain HTTP, with TLS as well."""
        at_loopback = self.tls or self.host in (*WILDCARDS, "127.0.0.1", "localhost")
        return f"http://{'127.0.0.1' if at_loopback else bracketed(self.host)}:{self.port}"

    @property
    def https(self) -> bool:
        """Whether people use HTTPS: towards this process, or towards the proxy before it."""
        return bool(self.tls or self.trusted_proxies)

    def certificate(self) -> Certificate | None:
        """What to serve with, made where it is missing; None without TLS. Raises BadEnvironment."""
        try:
            return certificate_for(self.tls, self.allowed_hosts, self.data)
        except UnusableCertificate as error:
            raise BadEnvironment(f"VISIO_TLS={self.tls}: {error}") from None

    def _address_at(self, host: str) -> str:
        return f"{'https' if self.tls else 'http'}://{bracketed(host)}:{self.port}"


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


def _read(name: str, reader: Callable[[str], Value], default: Value) -> Value:
    text = _text(name, "")
    try:
        return reader(text) if text else default
    except ValueError as error:  # never with the text itself: it may hold a password
        raise BadEnvironment(f"{name} {error}") from None


def _switch(name: str, *, default: bool) -> bool:
    text = _text(name, "on" if default else "off").lower()
    if text not in ("on", "off"):
        raise BadEnvironment(f"{name} must be on or off, not “{text}”.")
    return text == "on"


def _turn() -> Turn:
    try:
        return turn(_text("VISIO_TURN_URLS", ""), _text("VISIO_TURN_SECRET", ""))
    except ValueError as error:
        raise BadEnvironment(str(error)) from None


def _forwarding() -> Forwarding:
    try:
        return forwarding(_text("VISIO_RELAY_PLANE", ""), _text("VISIO_RELAY_GSO", ""))
    except ValueError as error:
        raise BadEnvironment(str(error)) from None


def _folder(name: str, default: Path) -> Path:
    return Path(os.environ.get(name) or default).expanduser().resolve()


def read() -> Environment:
    """Reads the environment. Raises BadEnvironment naming the variable at fault."""
    host = _text("VISIO_HOST", "127.0.0.1").strip("[]")
    data = _folder("VISIO_DATA", ROOT / "data")
    found = announced_addresses()
    media = _ip_addresses("VISIO_MEDIA_IP") or found
    own = [bracketed(each) for each in dict.fromkeys((*media, *found, host)) if each not in WILDCARDS]
    return Environment(
        host=host,
        port=_port("PORT", 8000, lowest=1),
        data=data,
        udp_port=_port("VISIO_UDP_PORT", 0, lowest=0),
        media_addresses=media,
        allowed_hosts=tuple(dict.fromkeys((*machine_names(), *own, *_listed("VISIO_ALLOWED_HOSTS")))),
        speech=_speech(data),
        tls=_text("VISIO_TLS", ""),
        trusted_proxies=_networks("VISIO_TRUSTED_PROXIES"),
        services=_services(),
        relay_url=_read("VISIO_RELAY_URL", service_urls.relay, ""),
        webhook_url=_read("VISIO_WEBHOOK_URL", service_urls.http, ""),
        media_tcp=_switch("VISIO_MEDIA_TCP", default=True),
        turn=_turn(),
        forwarding=_forwarding(),
    )


def _services() -> Services:
    redis = _read("REDIS_URL", service_urls.redis, "")
    return Services(
        postgresql=_read("DATABASE_URL", service_urls.postgresql, {}),
        redis=redis,
        broker=_read("CELERY_BROKER_URL", service_urls.redis, redis or IN_PROCESS_BROKER),
    )


def _ip_addresses(name: str) -> tuple[str, ...]:
    try:
        return tuple(str(ipaddress.ip_address(text.strip("[]"))) for text in _listed(name))
    except ValueError as error:
        raise BadEnvironment(f"{name} must list IP addresses, separated by commas: {error}.") from None


def _networks(name: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text) for text in _listed(name))
    except ValueError as error:
        raise BadEnvironment(
            f"{name} must list addresses or networks such as 10.0.0.0/8, separated by commas: {error}."
        ) from None


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
