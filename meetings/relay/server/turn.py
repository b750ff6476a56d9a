"""Passwords for TURN servers, each made for one person and good for a while.

The scheme is coturn's `use-auth-secret` (draft-uberti-behave-turn-rest-00 §2.2): the server knows no people,
only the secret, and checks what the user name says of itself.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote

from livekit.protocol.rtc import ICEServer

# Whoever comes back after a break gets a new one; a running allocation outlives its password (coturn checks
# the time at the first request only). A working day, then, is more than enough.
LIFETIME = 8 * 3600
# RFC 8489 §14.3: a user name has less than 509 bytes.
_LONGEST_NAME = 256


@dataclass(frozen=True)
class TurnServers:
    """`urls` (RFC 7065) of servers that all know `secret`; `lifetime` of a password in seconds."""

    urls: tuple[str, ...]
    secret: str = field(repr=False)
    lifetime: int = LIFETIME

    def for_person(self, identity: str, now: float) -> ICEServer:
        """What LiveKit clients hand to their peer connection; `now` in Unix seconds.

        The name ends up in the server's log and quotas: it says who, in ASCII.
        """
        username = f"{int(now) + self.lifetime}:{quote(identity, safe='')[:_LONGEST_NAME]}"
        digest = hmac.digest(self.secret.encode(), username.encode(), hashlib.sha1)
        return ICEServer(urls=self.urls, username=username, credential=base64.b64encode(digest).decode())
