"""Who counts as this machine, and how long a silent connection is kept."""

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.http import HTTPFactory

from meetings.management.listening import EitherFactory, FirstByte, context, is_this_machine, listened
from visio_portal.tls import certificate_for


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.77.0.1", False),
        ("::ffff:10.77.0.1", False),
        ("fd77::1", False),
    ],
)
def test_only_loopback_is_this_machine(host: str, here: bool) -> None:
    assert is_this_machine(host) is here


@pytest.mark.parametrize("host", ["10.77.0.1", "fd77::1", "::1"])
def test_with_tls_at_one_address_the_portal_still_reaches_itself(host: str) -> None:
    assert listened(host, secure=True) == (host, "127.0.0.1")
    assert listened(host, secure=False) == (host,)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.0.0.1"])
def test_a_wildcard_is_listened_on_once(host: str) -> None:
    assert listened(host, secure=True) == listened(host, secure=False) == (host,)


def test_who_says_nothing_is_let_go(tmp_path_factory: pytest.TempPathFactory) -> None:
    certificate = certificate_for("self-signed", ["localhost"], tmp_path_factory.mktemp("tls"))
    assert certificate is not None
    clock, transport = Clock(), StringTransport()
    factory = EitherFactory(HTTPFactory(reactor=clock), context(certificate))
    silent = FirstByte(factory, transport.getPeer())
    silent.callLater = clock.callLater  # type: ignore[method-assign]
    silent.makeConnection(transport)
    clock.advance(19)
    assert not transport.disconnecting
    clock.advance(2)
    assert transport.disconnecting
