"""What `make run-production-like` starts, by what it is told."""

import pytest

from visio_portal.production_like import relays
from visio_portal.throwaway import CannotStart


def _ports(**told: str) -> list[str]:
    """The media ports that its relays are given."""
    started = relays({"VISIO_RELAY_URL": "registered", **told})
    return [child.command[-1] for child in started]


def test_two_relays_by_default_on_any_ports() -> None:
    assert _ports() == ["0", "0"]


def test_each_relay_has_a_media_port_of_its_own() -> None:
    assert _ports(RELAYS="3", VISIO_UDP_PORT="40001") == ["40001", "40002", "40003"]


@pytest.mark.parametrize(
    "told", [{"RELAYS": "1"}, {"VISIO_RELAY_URL": "http://127.0.0.1:7880"}], ids=["one", "address"]
)
def test_one_relay_takes_what_the_environment_says(told: dict[str, str]) -> None:
    (child,) = relays({"VISIO_RELAY_URL": "registered", **told})
    assert (child.name, child.command[-1]) == ("The relay", "relay")


@pytest.mark.parametrize("wanted", ["0", "two", "-1", "65"])
def test_a_number_that_is_none_is_named(wanted: str) -> None:
    with pytest.raises(CannotStart, match=f"RELAYS .*“{wanted}”"):
        _ports(RELAYS=wanted)
