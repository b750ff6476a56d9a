"""What the portal's settings make of a relay's configuration."""

from dataclasses import replace
from typing import Any

import pytest

from meetings.consumers import relay_config
from visio_portal.turn import turn


def _told(settings: Any, **changes: Any) -> None:
    settings.VISIO = replace(settings.VISIO, **changes)


def test_turn_servers_are_told_with_their_secret(settings: Any) -> None:
    assert relay_config().turn is None
    _told(settings, turn=turn("turn:turn.example,turns:turn.example", "between-us"))
    config = relay_config()
    assert config.turn is not None
    assert (config.turn.urls, config.turn.secret) == (
        ("turn:turn.example", "turns:turn.example"),
        "between-us",
    )
    assert "between-us" not in repr(config)


@pytest.mark.parametrize(
    ("udp_port", "wanted", "embedded", "tcp"),
    [
        (0, True, True, False),  # chosen by chance: no firewall can be told of it
        (7882, True, True, True),
        (7882, False, True, False),
        (8443, True, True, False),  # the pages' own
        (8443, True, False, True),
    ],
)
def test_media_come_over_tcp_where_the_number_is_named_and_free(
    settings: Any, udp_port: int, wanted: bool, embedded: bool, tcp: bool
) -> None:
    _told(settings, udp_port=udp_port, media_tcp=wanted, port=8443)
    settings.MEDIA_EMBEDDED = embedded
    assert relay_config().tcp is tcp
