"""``manage.py relay --standalone``: a LiveKit-compatible development server, without database or portal."""

import argparse
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from meetings.management.relay_process import CannotListen, run_relay
from meetings.relay.errors import Refused
from meetings.relay.interface import JoinClaims
from meetings.relay.server import RelayConfig, TurnServers

log = logging.getLogger("visio.relay")

KEY_FILE = "recording.key"


class OpenPortal:
    """Admits whoever has a validly signed token. Recordings, where there are any, share the folder's key."""

    def __init__(self, recordings: Path | None) -> None:
        self._recordings = recordings

    async def admit(self, claims: JoinClaims) -> None:
        """The signature was all that is asked for."""

    async def recording_key(self, room: str, egress_id: str) -> bytes:
        if self._recordings is None:
            raise Refused(status=403, public="no recordings here", reason="started without --recordings")
        return key_of(self._recordings)


def key_of(folder: Path) -> bytes:
    """The 32 bytes under which a standalone relay's record logs are sealed; made by its first recording.

    Kept beside them in hex, for its owner alone: whoever has the folder can read the recordings.
    """
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return bytes.fromhex(path.read_text())


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the standalone relay may be told."""
    parser.add_argument("--standalone", action="store_true", help="without portal and database, see --keys")
    parser.add_argument(
        "--keys", type=key_pairs, metavar='"KEY: SECRET[, KEY: SECRET …]"', help="whose tokens count"
    )
    parser.add_argument("--port", type=port_number, default=7880, help="TCP port (7880); 0 for any free one")
    parser.add_argument("--bind", default="127.0.0.1", help="TCP address to listen on (127.0.0.1)")
    parser.add_argument(
        "--udp-port", type=port_number, default=0, help="UDP port of the media (any free one)"
    )
    parser.add_argument(
        "--no-tcp", action="store_true", help="no media over TCP at the number of the given UDP port"
    )
    parser.add_argument(
        "--node-ip", metavar="IP[,IP …]", help="addresses announced to clients (all of this machine)"
    )
    parser.add_argument(
        "--webhook", action="append", default=[], metavar="URL", help="told of events; repeatable"
    )
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="where egress writes; refused without")


def key_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """``KEY: SECRET``, several divided by commas or line ends, as LiveKit's server takes them."""
    pairs = []
    for part in text.replace("\n", ",").split(","):
        if part.strip():
            key, divider, secret = (piece.strip() for piece in part.partition(":"))
            if not (key and divider and secret):
                raise argparse.ArgumentTypeError('must be "KEY: SECRET"')
            if len(secret) < 32:
                log.warning("the secret of %s is shorter than 32 characters: for development only", key)
            pairs.append((key, secret))
    if not pairs:
        raise argparse.ArgumentTypeError("at least one pair is needed")
    return tuple(pairs)


def port_number(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("must be a port number")
    return int(text)


def run(
    words: Sequence[str],
    *,
    addresses: Sequence[str],
    say: Callable[[str], None],
    turn: TurnServers | None = None,
    plane: str = "auto",
    gso: bool = True,
) -> None:
    """Parses the command line and serves. Raises CannotListen; a wrong command line ends the process."""
    parser = argparse.ArgumentParser(prog="manage.py relay", description=__doc__)
    arguments(parser)
    options = parser.parse_args(words)
    if not options.keys:
        parser.error('--standalone needs --keys "KEY: SECRET"')
    node_ips = tuple(part.strip() for part in (options.node_ip or "").split(",") if part.strip())
    (key, secret), *further = options.keys
    config = RelayConfig(
        api_key=key,
        api_secret=secret,
        further_keys=tuple(further),
        media_addresses=node_ips or tuple(addresses),
        recordings_dir=options.recordings or Path(os.devnull),
        udp_port=options.udp_port,
        tcp=options.udp_port != 0 and not options.no_tcp,
        turn=turn,
        webhook_urls=tuple(options.webhook),
        plane=plane,
        gso=gso,
    )
    os.umask(0o077)  # recordings are for their owner alone
    run_relay(config, OpenPortal(options.recordings), host=options.bind, port=options.port, say=say)


__all__ = ["CannotListen", "TurnServers", "arguments", "key_of", "run"]
