"""How much a client may send."""


class TokenBucket:
    """`rate` a second in the long run, `burst` at once. Times in seconds, any origin."""

    def __init__(self, *, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, now

    def take(self, now: float, amount: float = 1) -> bool:
        """True where so much more is within the bounds."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < amount:
            return False
        self._tokens -= amount
        return True
