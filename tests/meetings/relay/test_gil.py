"""Whatever Python does in the relay's process, the native plane goes on forwarding."""

import pytest

from tests.bench.gil import gaps_while_held

pytestmark = pytest.mark.media
# Other tests run beside this one: how small the gap is on a free machine, `make bench-gil` tells.
GAP = 0.7  # seconds


async def test_media_go_on_while_a_thread_holds_the_gil() -> None:
    held, gap, own = await gaps_while_held("native")
    assert held > 1.9
    assert gap < max(GAP, own + GAP), f"{gap:.3f} s without a packet; the publisher paused {own:.3f} s"


async def test_the_portable_plane_stands_still_with_python() -> None:
    """So the test above measures what it should."""
    held, gap, _ = await gaps_while_held("portable")
    assert held > 1.9
    assert gap > 1.5
