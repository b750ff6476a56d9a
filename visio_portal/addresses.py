"""The names and addresses under which this machine can be reached."""

import ipaddress
import socket

import ifaddr


def announced_addresses() -> tuple[str, ...]:
    """IPv4 addresses at which browsers can send media, best first.

    Browsers and SDKs do not connect media to 127.0.0.1 (measured, docs/relay.md), so loopback is announced
    only by a machine that has no other address at all.
    """
    found = [
        str(ip.ip)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if ip.is_IPv4 and not ipaddress.ip_address(str(ip.ip)).is_loopback
    ]
    routable = [ip for ip in found if not ipaddress.ip_address(ip).is_link_local]
    return tuple(routable or found or ["127.0.0.1"])


def machine_names() -> tuple[str, ...]:
    """Host names a browser on this machine or its network may use for the portal."""
    return ("localhost", "127.0.0.1", "[::1]", socket.gethostname())
