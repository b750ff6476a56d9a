"""The operator's choice of who forwards packets."""

import pytest

from meetings.relay.dataplane import choice
from visio_portal import environment
from visio_portal.forwarding import PLANES, Forwarding, forwarding


def test_the_native_plane_with_gso_is_taken_where_nothing_is_said():
    assert forwarding("", "") == Forwarding("auto", True)


@pytest.mark.parametrize(("gso", "meant"), [("0", False), ("off", False), ("1", True), ("ON", True)])
def test_gso_can_be_switched_off(gso: str, meant: bool):
    assert forwarding("native", gso) == Forwarding("native", meant)


def test_another_word_is_refused_with_the_variables_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VISIO_RELAY_PLANE", "fast")
    with pytest.raises(environment.BadEnvironment, match="VISIO_RELAY_PLANE must be one of auto"):
        environment.read()
    with pytest.raises(ValueError, match="VISIO_RELAY_GSO must be 0 or 1"):
        forwarding("", "maybe")


def test_the_relay_knows_the_same_planes():
    assert set(PLANES) == {choice.AUTO, choice.NATIVE, choice.PORTABLE}
