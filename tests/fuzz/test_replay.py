"""Every input that the repository keeps, and what honest peers send, keeps every target's promises."""

import asyncio
import importlib
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fuzz.corpus import TARGETS, kept

# Seconds for one input; a quadratic reader takes minutes for the longest of them.
LONGEST = 2.0


@pytest.fixture
def quiet() -> Iterator[None]:
    logger = logging.getLogger("visio.relay")
    handlers, propagate = list(logger.handlers), logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagate


@pytest.mark.django_db
@pytest.mark.parametrize("target", TARGETS)
def test_the_kept_inputs_break_no_promise(target: str, quiet: None) -> None:
    reader: Any = importlib.import_module(f"tests.fuzz.{target}")
    inputs = [*reader.seeds(), *kept(target), b"", b"\0"]
    assert len(kept(target)) >= 10
    try:
        for data in inputs:
            began = time.process_time()
            reader.run(data)
            assert time.process_time() - began < LONGEST, data
    finally:
        getattr(reader, "close", lambda: None)()
        asyncio.set_event_loop(None)


def test_a_broken_promise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The targets' own test: a reader that lets everybody in is found by the first honest check."""
    from tests.fuzz import stun

    monkeypatch.setattr("meetings.relay.ice_lite.verify", lambda request, password: True)
    honest = next(iter(stun.seeds()))
    with pytest.raises(AssertionError, match="an answer for a stranger"):
        stun.run(honest[:-12] + bytes(12))
