"""Which address belongs to whom: both planes keep it on the event loop."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from meetings.relay.interface import Address, Clock

CONTESTED: Final = "addresses_contested"
REFUSED: Final = "addresses_refused"


class AddressBook:
    """Addresses of transports, each with the time of its last check.

    A transport has at most `most` of them; one without a check for `consent` seconds (RFC 7675) makes room
    for another. Refusals are counted in `counters`.
    """

    def __init__(self, clock: Clock, *, most: int, consent: float, counters: Counter[str]) -> None:
        self._clock, self._most, self._consent, self._counters = clock, most, consent, counters
        self._holders: dict[Address, int] = {}
        self._checked: dict[int, dict[Address, float]] = {}

    def __len__(self) -> int:
        return len(self._holders)

    def __iter__(self) -> Iterator[Address]:
        return iter(self._holders)

    def holder(self, address: Address) -> int | None:
        return self._holders.get(address)

    def addresses(self, transport: int) -> list[Address]:
        return list(self._checked.get(transport, ()))

    def hold(self, transport: int, address: Address) -> list[tuple[int, Address]] | None:
        """Notes a check. None where the address stays somebody else's or there is no room for it; else the
        (transport, address) pairs that were given up for it."""
        released: list[tuple[int, Address]] = []
        own = self._checked.setdefault(transport, {})
        holder = self._holders.get(address)
        if holder is not None and holder != transport:
            # A sender's address is easily forged: nobody's packets are led away by a check of somebody else.
            if not self._release(holder, address, CONTESTED):
                return None
            released.append((holder, address))
        elif holder is None and len(own) >= self._most:
            oldest = min(own, key=own.__getitem__)
            if not self._release(transport, oldest, REFUSED):
                return None
            released.append((transport, oldest))
        own[address] = self._clock.monotonic()
        self._holders[address] = transport
        return released

    def _release(self, holder: int, address: Address, refusal: str) -> bool:
        """Takes an address from a transport that has left it; counts a refusal where it has not."""
        if self._clock.monotonic() - self._checked[holder][address] < self._consent:
            self._counters[refusal] += 1
            return False
        del self._checked[holder][address], self._holders[address]
        return True

    def forget(self, transport: int) -> list[Address]:
        """A transport ends; the addresses it had."""
        addresses = list(self._checked.pop(transport, ()))
        for address in addresses:
            del self._holders[address]
        return addresses
