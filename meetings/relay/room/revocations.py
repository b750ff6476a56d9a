"""Tokens that are dead before they expire."""


class Revocations:
    """Outlives the rooms, for a token does, too. Beyond `limit` the oldest are forgotten: a client's token
    lasts ten minutes, and every join asks the portal anyway."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._until: dict[tuple[str, str], int] = {}

    def revoke(self, room: str, identity: str, at: int) -> None:
        """Tokens issued up to `at` (Unix seconds) let this identity into this room no more."""
        before = self._until.pop((room, identity), at)
        self._until[room, identity] = max(at, before)
        if len(self._until) > self._limit:
            del self._until[next(iter(self._until))]

    def revoked(self, room: str, identity: str, issued_at: int) -> bool:
        return issued_at <= self._until.get((room, identity), -1)
