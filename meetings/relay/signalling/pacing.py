"""How much a client may send."""

from collections.abc import Hashable


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


class TokenBuckets:
    """A bucket of its own for each of many; of more than `most` the longest unused is forgotten, so that a
    stranger who makes up names costs no memory."""

    def __init__(self, *, rate: float, burst: float, most: int) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._buckets: dict[Hashable, TokenBucket] = {}

    def take(self, key: Hashable, now: float) -> bool:
        """True where one more of this key's is within the bounds."""
        bucket = self._buckets.pop(key, None) or TokenBucket(rate=self._rate, burst=self._burst, now=now)
        self._buckets[key] = bucket
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        return bucket.take(now)
