"""Requests to the portal that are too long, or never end: Daphne's own protocol on a clock of the test's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from daphne.http_protocol import HTTPFactory
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from meetings.management.bounds import LARGEST_BODY, LONGEST, BoundedPages


@dataclass
class Server:
    """What Daphne's requests tell their server."""

    connected: int = 0
    applications: list[dict[str, Any]] = field(default_factory=list)
    request_buffer_size: int = 8192
    root_path: str = ""
    proxy_forwarded_address_header: str | None = None
    server_name: str = "visio"

    def protocol_connected(self, protocol: Any) -> None:
        self.connected += 1

    def protocol_disconnected(self, protocol: Any) -> None:
        self.connected -= 1

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        self.applications.append(scope)

    def log_action(self, *_: Any) -> None:
        """Nobody reads it."""


@dataclass
class Line:
    """A connection: what is sent, and what comes back."""

    server: Server
    clock: Clock
    transport: StringTransport
    say: Callable[[bytes], None]

    @property
    def answer(self) -> bytes:
        return self.transport.value().partition(b"\r\n")[0]


@pytest.fixture
def line() -> Iterator[Line]:
    server, clock = Server(), Clock()
    factory = HTTPFactory(server)
    factory.reactor = clock
    transport = StringTransport()
    protocol = BoundedPages(factory).buildProtocol(transport.getPeer())
    protocol.callLater = clock.callLater
    protocol.makeConnection(transport)
    yield Line(server, clock, transport, protocol.dataReceived)
    protocol.connectionLost(Failure(ConnectionDone()))
    assert clock.getDelayedCalls() == []


HEAD = b"POST /somewhere HTTP/1.1\r\nHost: localhost\r\n"


def test_an_honest_request_is_passed_on(line: Line) -> None:
    line.say(HEAD + b"Content-Length: 5\r\n\r\nhello")
    line.clock.advance(LONGEST + 1)
    assert [scope["path"] for scope in line.server.applications] == ["/somewhere"]
    assert line.answer == b""


def test_a_body_announced_too_long_is_refused_before_it_comes(line: Line) -> None:
    """Regression: Twisted wrote bodies of any length into a temporary file before anybody was asked."""
    line.say(HEAD + b"Content-Length: 99999999999\r\n\r\nx")
    assert line.answer == b"HTTP/1.1 413 Content Too Large"
    assert line.transport.disconnecting
    assert not line.server.applications


def test_a_body_without_an_end_is_refused_where_it_gets_too_long(line: Line) -> None:
    line.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    for _ in range(LARGEST_BODY // 0x10000):
        line.say(chunk)
    assert line.answer == b""
    line.say(chunk)
    assert line.answer == b"HTTP/1.1 413 Content Too Large"
    assert line.transport.disconnecting


@pytest.mark.parametrize("sent", [b"X-Header: x\r\n", b"Content-Length: 5000\r\n\r\n"])
def test_a_request_that_does_not_end_is_answered_and_closed(line: Line, sent: bytes) -> None:
    """Regression: a header or a byte a minute held a connection for good."""
    line.say(HEAD + sent)
    for _ in range(int(LONGEST) + 1):
        line.clock.advance(1)
        if not line.transport.disconnecting:
            line.say(b"x" if b"Content" in sent else b"X: y\r\n")
    assert line.answer == b"HTTP/1.1 408 Request Timeout"
    assert line.transport.disconnecting
    assert not line.server.applications
