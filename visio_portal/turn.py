"""The TURN servers that clients may use where UDP is blocked, as the operator names them."""

import re
from dataclasses import dataclass, field

# RFC 7065 §3.1, an IPv6 address in brackets. A browser that is given another form refuses the whole call.
_URL = re.compile(
    r"turns?:(?:[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?:udp|tcp))?"
)


@dataclass(frozen=True)
class Turn:
    """Where the servers are, and the secret they share with the relay (coturn's ``static-auth-secret``)."""

    urls: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)


def turn(urls: str, secret: str) -> Turn:
    """Reads ``VISIO_TURN_URLS`` and ``VISIO_TURN_SECRET``. Raises ValueError; its text holds no secret."""
    listed = tuple(part.strip() for part in urls.split(",") if part.strip())
    for url in listed:
        found = _URL.fullmatch(url)
        if found is None or not 0 < int(found["port"] or 1) < 65536:
            raise ValueError(
                f"VISIO_TURN_URLS: “{url}” is no TURN address; "
                "turn:HOST:3478?transport=tcp and turns:HOST:443?transport=tcp are."
            )
    if listed and not secret:
        raise ValueError("VISIO_TURN_URLS needs VISIO_TURN_SECRET, the static-auth-secret of these servers.")
    if secret and not listed:
        raise ValueError("VISIO_TURN_SECRET needs VISIO_TURN_URLS, such as turns:turn.example:443.")
    return Turn(listed, secret)
