"""Daphne's WebSockets as signalling needs them. Imported once `serve` has chosen the event loop."""

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from meetings.relay.interface import RelayLimits


class SignalSocket(WebSocketProtocol):
    """Closes with any code of RFC 6455 §7.4.1.

    Autobahn's own `sendClose` raises for all but 1000 and private ones, and the socket would stay open:
    clients then find out by ping, after half a minute, that they must come back.
    """

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=code or 1000)


def prepare(factory: WebSocketFactory) -> None:
    """A longer message would be read into memory before the relay could refuse it."""
    longest = RelayLimits().signal_message
    factory.protocol = SignalSocket
    factory.setProtocolOptions(maxFramePayloadSize=longest, maxMessagePayloadSize=longest)
