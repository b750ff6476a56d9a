"""The operator's TURN servers: read, or refused in one sentence without the secret."""

import pytest

from visio_portal import environment
from visio_portal.environment import BadEnvironment
from visio_portal.turn import turn

SECRET = "between-us"


@pytest.mark.parametrize(
    "url",
    [
        "turn:turn.example",
        "turn:192.0.2.7:3478?transport=udp",
        "turn:[2001:db8::7]:3478?transport=tcp",
        "turns:turn.example:443?transport=tcp",
    ],
)
def test_addresses_of_the_rfc_are_taken(url: str) -> None:
    assert turn(f" {url}, turn:second.example", SECRET).urls == (url, "turn:second.example")


@pytest.mark.parametrize(
    "url",
    [
        "turn.example:3478",
        "turn://turn.example",
        "stun:turn.example",
        "turn:turn.example:0",
        "turn:turn.example:70000",
        "turn:turn.example?transport=sctp",
        "turn:user@turn.example",
        "https://turn.example",
    ],
)
def test_an_address_that_would_end_every_call_is_named(url: str) -> None:
    with pytest.raises(ValueError, match="VISIO_TURN_URLS: “") as refusal:
        turn(f"turn:turn.example,{url}", SECRET)
    assert url in str(refusal.value)
    assert SECRET not in str(refusal.value)


def test_servers_and_their_secret_belong_together(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="VISIO_TURN_URLS needs VISIO_TURN_SECRET"):
        turn("turn:turn.example", "")
    monkeypatch.delenv("VISIO_TURN_URLS", raising=False)
    monkeypatch.setenv("VISIO_TURN_SECRET", SECRET)
    with pytest.raises(BadEnvironment, match="VISIO_TURN_SECRET needs VISIO_TURN_URLS") as refusal:
        environment.read()
    assert SECRET not in str(refusal.value)


def test_the_secret_is_in_no_description(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIO_TURN_URLS", "turn:turn.example")
    monkeypatch.setenv("VISIO_TURN_SECRET", SECRET)
    read = environment.read()
    assert read.turn.secret == SECRET
    assert SECRET not in repr(read)


def test_media_over_tcp_is_on_or_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.read().media_tcp
    monkeypatch.setenv("VISIO_MEDIA_TCP", "off")
    assert not environment.read().media_tcp
    monkeypatch.setenv("VISIO_MEDIA_TCP", "no")
    with pytest.raises(BadEnvironment, match="VISIO_MEDIA_TCP must be on or off, not “no”"):
        environment.read()
