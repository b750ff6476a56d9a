"""Daphne's WebSockets as signalling needs them. Imported once `serve` has chosen the event loop."""

import logging
from contextlib import suppress
from typing import Any

from autobahn.exception import Disconnected
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from meetings.relay.interface import RelayLimits

log = logging.getLogger("visio.relay")


class SignalSocket(WebSocketProtocol):
    """Closes with any code of RFC 6455 §7.4.1, and cuts off a client that does not read.

    Autobahn's own `sendClose` raises for all but 1000 and private ones, and the socket would stay open:
    clients then find out by ping, after half a minute, that they must come back. Twisted keeps whatever
    a socket does not take, without a bound; as the transport's producer this socket knows when it is full.
    """

    _unread: int | None = None  # bytes sent since the transport was full; None while it is not
    most_unread = RelayLimits().signal_queue_bytes

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.unregisterProducer()  # the HTTP channel's, which this socket has replaced
        transport.registerProducer(self, True)
        super().connectionMade()

    def pauseProducing(self) -> None:
        if self._unread is None:  # said at each write for as long as it is full
            self._unread = 0

    def resumeProducing(self) -> None:
        self._unread = None

    def stopProducing(self) -> None:
        """The connection is lost; its reader is told otherwise."""

    def serverSend(self, content: Any, binary: bool = False) -> None:
        with suppress(Disconnected):  # it went a moment ago, and its reader is about to be told
            super().serverSend(content, binary)
        if self._unread is None:
            return
        self._unread += len(content)
        if self._unread > self.most_unread:
            log.warning("a client reads too slowly, its connection is cut")
            self._unread = None
            self.transport.abortConnection()

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=code or 1000)


def prepare(factory: WebSocketFactory) -> None:
    """A longer message would be read into memory before the relay could refuse it."""
    longest = RelayLimits().signal_message
    factory.protocol = SignalSocket
    factory.setProtocolOptions(maxFramePayloadSize=longest, maxMessagePayloadSize=longest)
