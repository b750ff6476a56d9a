"""Asks a TURN server for a relayed address, as a browser would."""

import asyncio
import re
from typing import Final

from aioice import stun, turn

_SECONDS: Final = 10.0
_PARTS: Final = re.compile(
    r"(?P<scheme>turns?):(?:\[(?P<six>[^]]+)\]|(?P<host>[^:?]+))(?::(?P<port>\d+))?(?:\?transport=(?P<by>\w+))?"
)
# coturn's words for these codes say little of what an operator can do about them.
_CAUSES: Final = {
    401: "it refuses our password: is VISIO_TURN_SECRET its static-auth-secret, and use-auth-secret set?",
    486: "it has reached its quota",
    508: "it has no relay port left",
}


class NoRelayedAddress(Exception):
    """Nobody would get through this server; the message is for the operator."""


async def relayed_address(url: str, username: str, credential: str) -> str:
    """Where the server would send from, given back at once. `url` as in RFC 7065. Raises NoRelayedAddress."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await _allocate(url, username, credential)
    except (TimeoutError, stun.TransactionTimeout):
        raise NoRelayedAddress("no answer") from None
    except stun.TransactionFailed as failed:
        code, words = failed.response.attributes.get("ERROR-CODE", (0, "an error without a code"))
        raise NoRelayedAddress(_CAUSES.get(code, f"it answers {code} {words}")) from None
    except OSError as error:
        raise NoRelayedAddress(error.strerror or str(error)) from None


async def _allocate(url: str, username: str, credential: str) -> str:
    found = _PARTS.fullmatch(url)
    if found is None:
        raise NoRelayedAddress("not a TURN address")
    secure = found["scheme"] == "turns"
    # RFC 7065 §3.1: turns without a transport is TLS over TCP, turn is UDP; the ports are RFC 8656's.
    by = found["by"] or ("tcp" if secure else "udp")
    if secure and by == "udp":
        raise NoRelayedAddress(
            "DTLS is not tried here, and browsers do not speak it with TURN servers either"
        )
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol,
        (found["six"] or found["host"], int(found["port"] or (5349 if secure else 3478))),
        username=username,
        password=credential,
        ssl=secure or None,
        transport=by,
    )
    host, port = transport.get_extra_info("sockname")
    transport.close()
    await asyncio.sleep(0)  # so that the goodbye is written
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
