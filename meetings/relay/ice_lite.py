"""ICE-lite on the one UDP port: who is behind an address, and do they still consent (RFC 8445, RFC 7675)."""

import secrets
import string
from collections.abc import Callable, Sequence
from typing import Final

from meetings.relay.interface import Address, Clock
from meetings.relay.stun import (
    ROLE_CONFLICT,
    binding_response,
    error_response,
    parse_binding_request,
    role_conflict,
    verify,
)

_ALPHABET: Final = string.ascii_letters + string.digits
# After a restart checks with the credentials before may still be under way (RFC 8445 §9).
_GENERATIONS: Final = 2
# RFC 8445 §5.1.2.1: type preference of a host, highest local preference, component 1.
_HOST_PRIORITY: Final = 2_130_706_431
# Below every UDP candidate, as RFC 6544 §4.2 recommends; 90 is libwebrtc's for a host over TCP. The direction
# preference of a passive host is 4, in the upper 3 bits of the local preference.
_TCP_HOST_PRIORITY: Final = 90 << 24 | (4 * 8192 + 8191) << 8 | 255

# The transport, the peer's address, whether it is nominated, and the address of ours that it reached.
Bind = Callable[[int, Address, bool, str], bool]


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


class IceAgent:
    """One transport's credentials, and when its peer was last heard. `heard_at` in monotonic seconds."""

    def __init__(self, ice: "IceLite", transport: int, on_nominated: Callable[[], None]) -> None:
        self._ice = ice
        self.transport = transport
        self.on_nominated = on_nominated
        self.heard_at: float | None = None
        self._passwords: dict[str, str] = {}
        self._remote_ufrag: str | None = None
        self._renew()

    @property
    def ufrag(self) -> str:
        return next(reversed(self._passwords))

    @property
    def password(self) -> str:
        return self._passwords[self.ufrag]

    def password_of(self, ufrag: str) -> str | None:
        return self._passwords.get(ufrag)

    def offered(self, remote_ufrag: str) -> bool:
        """Takes the ufrag of an offer; True where it asks for an ICE restart (RFC 8445 §9)."""
        restart = self._remote_ufrag not in (None, remote_ufrag)
        self._remote_ufrag = remote_ufrag
        if restart:
            self._renew()
        return restart

    def _renew(self) -> None:
        ufrag = _random(8)
        self._passwords[ufrag] = _random(24)
        self._ice.register(ufrag, self)
        while len(self._passwords) > _GENERATIONS:
            oldest = next(iter(self._passwords))
            del self._passwords[oldest]
            self._ice.unregister(oldest)

    def close(self) -> None:
        for ufrag in self._passwords:
            self._ice.unregister(ufrag)


class IceLite:
    """All agents of one port. `bind(transport, address, preferred, local)` tells the data plane of an
    address; False where it cannot be had, and the check goes unanswered: its sender will try again."""

    def __init__(self, *, clock: Clock, bind: Bind, addresses: Sequence[str]) -> None:
        self._clock, self._bind, self._addresses = clock, bind, addresses
        self._agents: dict[str, IceAgent] = {}
        self.refused = 0
        self.over_tcp = False  # whether checks are taken over TCP as well, at the same port number

    @property
    def agents(self) -> int:
        """How many transports' credentials are known, those before a restart included."""
        return len(self._agents)

    def agent(self, transport: int, on_nominated: Callable[[], None]) -> IceAgent:
        return IceAgent(self, transport, on_nominated)

    def register(self, ufrag: str, agent: IceAgent) -> None:
        self._agents[ufrag] = agent

    def unregister(self, ufrag: str) -> None:
        self._agents.pop(ufrag, None)

    def candidates(self, port: int) -> list[str]:
        """One host candidate per announced address, the first preferred; then those over TCP (RFC 6544)."""
        lines = [
            f"candidate:{number + 1} 1 udp {_HOST_PRIORITY - number * 256} {address} {port} typ host"
            for number, address in enumerate(self._addresses)
        ]
        for number, address in enumerate(self._addresses if self.over_tcp else ()):
            end = f"{_TCP_HOST_PRIORITY - number * 256} {address} {port} typ host tcptype passive"
            lines.append(f"candidate:{len(lines) + 1} 1 tcp {end}")
        return lines

    def stun_received(
        self, data: bytes, address: Address, local: str = "", seen: Address | None = None
    ) -> bytes | None:
        """The response to a check that came to `local`; silence for whoever does not know the password.

        `seen` is what the peer is told of itself, where the data plane knows it by another `address`.
        """
        request = parse_binding_request(data)
        agent = self._agents.get(request.local_ufrag) if request else None
        password = agent.password_of(request.local_ufrag) if agent and request else None
        if request is None or agent is None or password is None or not verify(request, password):
            self.refused += 1
            return None
        if role_conflict(request):
            return error_response(request, password, ROLE_CONFLICT, "Role Conflict")
        current = request.local_ufrag == agent.ufrag
        if not self._bind(agent.transport, address, request.use_candidate and current, local):
            return None
        agent.heard_at = self._clock.monotonic()
        if request.use_candidate:
            agent.on_nominated()
        return binding_response(request, password, seen or address)
