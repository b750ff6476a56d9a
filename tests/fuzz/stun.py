"""Connectivity checks: the reader, and the agent that answers those who know the password and nobody else."""

import hmac
from collections.abc import Iterator

from aioice import stun

from meetings.relay.ice_lite import IceLite
from meetings.relay.interface import SystemClock
from meetings.relay.stun import parse_binding_request, verify

ADDRESS = ("192.0.2.7", 40_000)
UFRAG, PASSWORD = "relayfrag", "the-password-of-the-relay"


class _Agent:
    transport, ufrag, heard_at = 1, UFRAG, None

    def password_of(self, ufrag: str) -> str | None:
        return PASSWORD if ufrag == UFRAG else None

    def on_nominated(self) -> None:
        """Nothing follows."""


_ice = IceLite(clock=SystemClock(), bind=lambda *_: True, addresses=())
_ice.register(UFRAG, _Agent())  # type: ignore[arg-type]


def run(data: bytes) -> None:
    answer = _ice.stun_received(data, ADDRESS)
    request = parse_binding_request(data)
    known = request is not None and request.local_ufrag == UFRAG and verify(request, PASSWORD)
    assert known or answer is None, "an answer for a stranger"
    if request is not None and not known:
        data = _sealed(data, request.integrity_at)
        answer = _ice.stun_received(data, ADDRESS)
        read = parse_binding_request(data)
        assert read is not None, "the seal made it unreadable"
        assert (answer is not None) == (read.local_ufrag == UFRAG)
    if answer is not None:
        assert len(answer) <= 100
        told = stun.parse_message(answer)
        if told.message_class == stun.Class.RESPONSE:
            assert told.attributes["XOR-MAPPED-ADDRESS"] == ADDRESS


def _sealed(data: bytes, at: int) -> bytes:
    """The same check by somebody who knows the password: random bytes would never get there."""
    length = (at + 24 - 20).to_bytes(2, "big")
    mac = hmac.digest(PASSWORD.encode(), data[:2] + length + data[4:at], "sha1")
    return data[:2] + length + data[4 : at + 4] + mac


def seeds() -> Iterator[bytes]:
    for role in ("ICE-CONTROLLING", "ICE-CONTROLLED"):
        for nominate in (False, True):
            message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
            message.attributes["USERNAME"] = f"{UFRAG}:client"
            message.attributes["PRIORITY"] = 12345
            message.attributes[role] = 7
            if nominate:
                message.attributes["USE-CANDIDATE"] = None
            message.add_message_integrity(PASSWORD.encode())
            message.add_fingerprint()
            yield bytes(message)
