"""What a relay must be told."""

from dataclasses import dataclass, field
from pathlib import Path

from meetings.relay.interface import RelayLimits
from meetings.relay.server.turn import TurnServers


@dataclass(frozen=True)
class RelayConfig:
    """`media_addresses`: announced IPs, best first; `udp_port` 0: any free one; `bind`: the local address,
    empty: all of IPv4 and IPv6.

    `plane`: "native", "portable", or "auto", which is native where it was built; `gso`: the native plane may
    hand the system several packets in one (UDP GSO).
    `further_keys`: more (key, secret) pairs whose tokens count; the first pair signs webhooks.
    `tcp`: media are taken over TCP as well, on the UDP port's number. `turn`: told to every client.
    """

    api_key: str
    api_secret: str
    media_addresses: tuple[str, ...]
    recordings_dir: Path
    udp_port: int = 0
    bind: str = ""
    tcp: bool = False
    turn: TurnServers | None = None
    webhook_urls: tuple[str, ...] = ()
    further_keys: tuple[tuple[str, str], ...] = ()
    plane: str = "auto"
    gso: bool = True
    limits: RelayLimits = field(default_factory=RelayLimits)
