"""Django's cache in Redis, which may be away: then each process goes on with a memory of its own.

What is counted here are tries (of passwords, of codes) and guests who come in. While Redis is away every
process counts for itself, as it does where there is no Redis: a guesser gains a little, nobody is locked out.
"""

import logging
import time
from functools import lru_cache
from typing import Any

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

log = logging.getLogger("visio.cache")

# How long it is left alone after it did not answer: nobody waits for it at each count.
RETRY_SECONDS = 5.0


class _Away:
    """Until when Redis is left alone; one for the whole process, as the pool of connections is."""

    until = 0.0


@lru_cache(maxsize=1)
def _client(servers: tuple[str, ...], options: tuple[tuple[str, Any], ...]) -> RedisCacheClient:
    """Django makes a cache for each request: without this each would connect anew."""
    return RedisCacheClient(list(servers), **dict(options))


class _PooledRedisCache(RedisCache):
    @property
    def _cache(self) -> RedisCacheClient:
        servers, options = self._servers, self._options  # type: ignore[attr-defined]  # as Django names them
        return _client(tuple(servers), tuple(sorted(options.items())))


class SharedCache(BaseCache):
    """Redis where it answers, or else this process's own memory."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._shared = _PooledRedisCache(server, params)
        self._own = LocMemCache("while-redis-is-away", {**params, "OPTIONS": {}})

    def _either(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= _Away.until:
            try:
                return getattr(self._shared, method)(*args, **kwargs)
            except RedisError as error:
                _Away.until = time.monotonic() + RETRY_SECONDS
                log.warning("Redis does not answer; this process counts tries for itself: %s", error)
        return getattr(self._own, method)(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._either("add", *args, **kwargs))

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._either("set", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._either("touch", *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._either("delete", *args, **kwargs))

    def incr(self, *args: Any, **kwargs: Any) -> int:
        return int(self._either("incr", *args, **kwargs))

    def clear(self) -> None:
        self._either("clear")
        self._own.clear()
