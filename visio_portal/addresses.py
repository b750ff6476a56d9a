"""The names and addresses under which this machine can be reached."""

import ipaddress
import socket
from itertools import chain, zip_longest
from pathlib import Path

import ifaddr

_IF_INET6 = Path("/proc/net/if_inet6")
# linux/if_addr.h: temporary (RFC 8981), a duplicate, deprecated (RFC 4862): not to be announced.
_UNFIT = 0x01 | 0x08 | 0x20

WILDCARDS = ("0.0.0.0", "::")


def announced_addresses() -> tuple[str, ...]:
    """Addresses at which browsers can send media, best first, the two families in turn (RFC 8421 §4).

    Browsers and SDKs do not connect media to 127.0.0.1 (measured, docs/relay.md), so loopback is announced
    only by a machine that has no other address at all.
    """
    return _ordered(_interface_addresses()) or ("127.0.0.1",)


def machine_names() -> tuple[str, ...]:
    """Host names a browser on this machine or its network may use for the portal."""
    return ("localhost", "127.0.0.1", "[::1]", socket.gethostname().lower())


def bracketed(host: str) -> str:
    """The host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host (a name other than localhost counts as reachable)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _interface_addresses() -> list[str]:
    return [str(ip.ip if ip.is_IPv4 else ip.ip[0]) for adapter in ifaddr.get_adapters() for ip in adapter.ips]


def _ordered(found: list[str]) -> tuple[str, ...]:
    """IPv6 and IPv4 in turn; link-local IPv4 only where there is nothing else."""
    unfit = _unfit_ipv6()
    hosts = [ipaddress.ip_address(text.partition("%")[0]) for text in found]
    fit = [host for host in hosts if not host.is_loopback and not (host.version == 6 and host in unfit)]
    routable = [host for host in fit if not host.is_link_local]
    # Global before unique local (fc00::/7), which fewer people can reach.
    six = sorted((host for host in routable if host.version == 6), key=lambda host: host.is_private)
    four = [host for host in routable if host.version == 4]
    turns = chain.from_iterable(zip_longest(six, four))
    best = [host for host in turns if host is not None] or [host for host in fit if host.version == 4]
    return tuple(dict.fromkeys(str(host) for host in best))


def _unfit_ipv6() -> set[ipaddress.IPv6Address]:
    try:
        lines = _IF_INET6.read_text().splitlines()
    except OSError:
        return set()
    rows = [line.split() for line in lines]
    return {ipaddress.IPv6Address(int(row[0], 16)) for row in rows if int(row[4], 16) & _UNFIT}
