"""Tries are counted in Redis by all processes together, and by each for itself while Redis is away."""

import logging
from collections.abc import Iterator

import pytest

from visio_portal import cache, throwaway
from visio_portal.cache import SharedCache


@pytest.fixture(scope="module")
def redis() -> Iterator[throwaway.Server]:
    with throwaway.redis_server() as server:
        yield server


@pytest.fixture
def shared(redis: throwaway.Server, monkeypatch: pytest.MonkeyPatch) -> SharedCache:
    monkeypatch.setattr(cache, "RETRY_SECONDS", 0.0)  # or each test would wait that long
    found = _of_another_process(redis)
    found.clear()
    return found


def _of_another_process(redis: throwaway.Server) -> SharedCache:
    patience = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
    return SharedCache(redis.url, {"OPTIONS": patience, "KEY_PREFIX": "test"})


def test_all_processes_count_together(shared: SharedCache, redis: throwaway.Server) -> None:
    assert shared.add("tries", 0, timeout=60)
    assert not _of_another_process(redis).add("tries", 0, timeout=60)
    assert [shared.incr("tries"), _of_another_process(redis).incr("tries")] == [1, 2]
    shared.set("history", [1.5, 2.5], timeout=60)
    assert _of_another_process(redis).get("history") == [1.5, 2.5]
    assert shared.touch("history", 60)
    assert shared.delete("history")
    assert shared.get("history", "nothing") == "nothing"


def test_counting_goes_on_while_redis_is_away_and_together_again_afterwards(
    shared: SharedCache, redis: throwaway.Server, caplog: pytest.LogCaptureFixture
) -> None:
    shared.set("tries", 5, timeout=60)
    redis.stop()
    with caplog.at_level(logging.WARNING, logger="visio.cache"):
        assert shared.get("tries") is None
        assert shared.add("tries", 0, timeout=60)
        assert [shared.incr("tries"), shared.incr("tries")] == [1, 2]
    assert "Redis does not answer" in caplog.text
    assert redis.url.split("@")[0].rpartition(":")[2] not in caplog.text
    redis.start()
    redis.wait()
    shared.set("tries", 7, timeout=60)
    assert _of_another_process(redis).get("tries") == 7


def test_redis_is_left_alone_for_a_while_after_it_did_not_answer(
    shared: SharedCache, redis: throwaway.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.stop()
    monkeypatch.setattr(cache, "RETRY_SECONDS", 3600.0)
    shared.set("tries", 1, timeout=60)
    redis.start()
    redis.wait()
    shared.set("tries", 2, timeout=60)
    monkeypatch.setattr(cache._Away, "until", 0.0)
    assert shared.get("tries") is None, "it was asked at once"
