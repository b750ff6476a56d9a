"""Requests to Daphne that are too long or never end.

Twisted reads a request's body whole, into a temporary file if need be, before any consumer hears of it:
without a bound a stranger could fill the disk, and a byte a minute would hold a connection for good.
"""

from typing import Any, Final

from daphne.http_protocol import WebRequest
from twisted.web import http

# More than any page sends: Django's own bound for a form (DATA_UPLOAD_MAX_MEMORY_SIZE).
LARGEST_BODY: Final = 2_621_440
# Seconds from a request's first line to its last byte.
LONGEST: Final = 30.0


class BoundedRequest(WebRequest):
    """One request: answered with 413 or 408, and its connection closed, where it exceeds a bound."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._received = 0
        self._refused = False
        reactor = self.channel.factory.reactor
        self._deadline = reactor.callLater(LONGEST, self._refuse, b"408 Request Timeout")

    def gotLength(self, length: int | None) -> None:
        super().gotLength(min(length or 0, LARGEST_BODY) if length is not None else None)
        if length is not None and length > LARGEST_BODY:
            self._refuse(b"413 Content Too Large")

    def handleContentChunk(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > LARGEST_BODY:
            self._refuse(b"413 Content Too Large")
        if not self._refused:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self._stop_waiting()
        if not self._refused:
            super().requestReceived(command, path, version)

    def connectionLost(self, reason: Any) -> None:
        self._stop_waiting()
        super().connectionLost(reason)

    def _refuse(self, status: bytes) -> None:
        if self._refused:
            return
        self._refused = True
        self._stop_waiting()
        answer = b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        self.channel.transport.write(answer)
        self.channel.loseConnection()

    def _stop_waiting(self) -> None:
        if self._deadline.active():
            self._deadline.cancel()


class BoundedPages(http.HTTPFactory):
    """Daphne's pages, with bounded requests."""

    noisy = False

    def __init__(self, pages: http.HTTPFactory) -> None:
        super().__init__(reactor=pages.reactor)
        self._pages = pages

    def doStart(self) -> None:
        super().doStart()
        self._pages.doStart()

    def doStop(self) -> None:
        self._pages.doStop()
        super().doStop()

    def buildProtocol(self, addr: Any) -> Any:
        made: Any = self._pages.buildProtocol(addr)
        made.requestFactory = BoundedRequest
        return made
