"""How many media sections to ask a client for (relay.md, trap 3)."""

from collections.abc import Mapping


class SectionLedger:
    """Counts sections asked for until the offer that brings them arrives, or they would multiply."""

    def __init__(self) -> None:
        self._asked = {"audio": 0, "video": 0}
        self._seen = {"audio": 0, "video": 0}

    def reset(self) -> None:
        """The client may have missed what was asked: ask again."""
        self._asked = dict.fromkeys(self._asked, 0)

    def offered(self, receiving: Mapping[str, int]) -> None:
        """An offer arrived with this many receiving sections of each kind."""
        for kind, count in receiving.items():
            arrived = max(0, count - self._seen[kind])
            self._asked[kind] = max(0, self._asked[kind] - arrived)
            self._seen[kind] = count

    def require(self, *, pending: Mapping[str, int], free: Mapping[str, int], room: int) -> dict[str, int]:
        """Sections to ask for now, given subscriptions that wait and sections that lie idle; with those asked
        for already at most `room`, sound before pictures."""
        missing = {
            kind: max(0, pending.get(kind, 0) - free.get(kind, 0) - self._asked[kind]) for kind in self._asked
        }
        left = max(0, room - sum(self._asked.values()))
        for kind in missing:
            missing[kind] = min(missing[kind], left)
            left -= missing[kind]
        for kind, count in missing.items():
            self._asked[kind] += count
        return missing
