"""Which packets to ask for again, and when to stop asking."""

from dataclasses import dataclass

from meetings.relay.rtp import SequenceUnwrapper

# What a publisher still has in its cache: libwebrtc keeps about a second of packets.
_WINDOW = 500
# A longer outage is over sooner with a keyframe than with all its packets; and whoever lets numbers leap
# must not make us note more than a few for each packet.
_BURST = 100


@dataclass(slots=True)
class _Missing:
    ask_at: float
    asked: int = 0


class NackGenerator:
    """Follows one stream's sequence numbers and lists those to ask for.

    `needs_keyframe` turns true when packets were given up; whoever asks for the keyframe sets it back.
    """

    def __init__(self, *, retry_after: float = 0.08, max_requests: int = 8) -> None:
        self.needs_keyframe = False
        self._retry_after = retry_after
        self._max_requests = max_requests
        self._unwrapper = SequenceUnwrapper()
        self._highest: int | None = None
        self._missing: dict[int, _Missing] = {}

    def add(self, sequence: int, now: float) -> None:
        """A packet arrived; the numbers skipped before it are missing from now on."""
        number = self._unwrapper.unwrap(sequence)
        if self._highest is None:
            self._highest = number
            return
        if number <= self._highest:
            self._missing.pop(number, None)
            return
        if number - self._highest - 1 > _BURST:
            self._give_up(list(self._missing))
            self.needs_keyframe = True
        else:
            for skipped in range(self._highest + 1, number):
                self._missing[skipped] = _Missing(ask_at=now)
        self._highest = number
        # Numbers were added in ascending order, so the first is the oldest.
        while self._missing and (oldest := next(iter(self._missing))) < number - _WINDOW:
            self._give_up([oldest])

    def due(self, now: float) -> list[int]:
        """16-bit sequence numbers to ask for at `now`, oldest first; at most 500."""
        if not self._missing:
            return []
        self._give_up(
            [
                n
                for n, lost in self._missing.items()
                if lost.asked >= self._max_requests and lost.ask_at <= now
            ]
        )
        numbers: list[int] = []
        for number, lost in self._missing.items():
            if lost.ask_at <= now:
                lost.asked += 1
                lost.ask_at = now + self._retry_after
                numbers.append(number & 0xFFFF)
        return numbers

    def _give_up(self, numbers: list[int]) -> None:
        for number in numbers:
            del self._missing[number]
            self.needs_keyframe = True
