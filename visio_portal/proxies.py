"""Who a request comes from, and over which scheme: what proxies say is believed from trusted ones alone.

All that follows (allauth's limits, ours, CSRF, cookies, the relay) reads the ASGI scope as it is left here,
so there is one notion of a client's address. Headers about a request's way are removed in any case. That of
RFC 7239, ``Forwarded``, is never believed: most proxies that set the others pass on what a client made up.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Host = ipaddress.IPv4Address | ipaddress.IPv6Address
Scope = Mapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[Any]]

_FOR, _PROTO, _HOST = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"
_REMOVED = frozenset((_FOR, _PROTO, _HOST, b"x-forwarded-port", b"x-real-ip", b"forwarded"))


class TrustedProxies:
    """ASGI middleware. A trusted proxy must itself set ``X-Forwarded-For`` and ``X-Forwarded-Proto``."""

    def __init__(self, application: Application, trusted: Sequence[Network]) -> None:
        self._application, self._trusted = application, tuple(trusted)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> Any:
        if scope["type"] in ("http", "websocket"):
            scope = self._read(scope)
        return await self._application(scope, receive, send)

    def _read(self, scope: Scope) -> Scope:
        headers = [(name, value) for name, value in scope["headers"] if name not in _REMOVED]
        # Daphne takes a root path from a header of anybody's.
        read = {**scope, "headers": headers, "root_path": ""}
        if scope.get("client"):
            peer, port = scope["client"]
            host = address_of(peer)
            read["client"] = [str(host) if host else peer, port]
            if host is not None and self._is_trusted(host):
                self._believe(read, host, scope["headers"])
        return read

    def _believe(self, read: dict[str, Any], peer: Host, given: list[tuple[bytes, bytes]]) -> None:
        client, hops = self._client(peer, _listed(given, _FOR))
        if hops:
            read["client"] = [str(client), 0]
        if protocols := _listed(given, _PROTO):
            # Proxies replace this header, or each adds to it as to the addresses.
            outermost = protocols[-min(max(hops, 1), len(protocols))].lower()
            secure = outermost in ("https", "wss")
            kind = "ws" if read["type"] == "websocket" else "http"
            read["scheme"] = kind + "s" if secure else kind
        if hosts := _listed(given, _HOST):
            others = [pair for pair in read["headers"] if pair[0] != b"host"]
            read["headers"] = [*others, (b"host", hosts[-1].encode("latin-1"))]

    def _client(self, peer: Host, said: list[str]) -> tuple[Host, int]:
        """The nearest address that is no trusted proxy's, and how many entries of the header lead to it."""
        client, hops = peer, 0
        for text in reversed(said):
            host = address_of(text) if self._is_trusted(client) else None
            if host is None:
                break
            client, hops = host, hops + 1
        return client, hops

    def _is_trusted(self, host: Host) -> bool:
        return any(host in network for network in self._trusted)


def address_of(text: str) -> Host | None:
    """The address in *text*, perhaps bracketed or with a port; IPv4 where it is IPv4 in IPv6's clothes."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        host = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (host.ipv4_mapped if host.version == 6 else None) or host


def _listed(headers: list[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    values = b",".join(value for name, value in headers if name == wanted).decode("latin-1")
    return [part.strip() for part in values.split(",") if part.strip()]
