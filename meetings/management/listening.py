"""The ports of pages and signalling. With TLS one port speaks HTTPS, and to this machine plain HTTP as well.

The portal's own calls to its relay, and the relay's webhooks, are plain HTTP to 127.0.0.1. Whoever types
``http://`` from elsewhere is led to ``https://`` and gets nothing else.
"""

import ipaddress
import re
from typing import Any, Final

from OpenSSL import crypto
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.policies import TimeoutMixin
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web import http

from meetings.management.certificate import ServedCertificate

_HANDSHAKE: Final = 0x16  # the first byte of every TLS connection (RFC 8446 §5.1, content type)
_SILENCE: Final = 20.0  # seconds in which a client has to say something
_HOST: Final = re.compile(rb"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def listen(pages: http.HTTPFactory, host: str, port: int, certificate: ServedCertificate | None) -> None:
    """Opens the port, on 127.0.0.1 as well where TLS is on. Raises twisted's CannotListenError."""
    from twisted.internet import reactor  # not before `serve` has chosen the event loop

    open_port: Any = reactor.listenTCP
    either = EitherFactory(pages, context(certificate)) if certificate else pages
    for each in listened(host, secure=certificate is not None):
        open_port(port, either, interface=each)


def listened(host: str, *, secure: bool) -> tuple[str, ...]:
    """The addresses that are listened on for the operator's `host`."""
    apart = secure and host not in ("0.0.0.0", "::", "127.0.0.1", "localhost")
    return (host, "127.0.0.1") if apart else (host,)


def context(certificate: ServedCertificate) -> CertificateOptions:
    """TLS 1.2 and later, HTTP/1.1, with the forward-secret ciphers that Twisted chooses."""
    first, *others = (crypto.load_certificate(crypto.FILETYPE_PEM, each) for each in certificate.chain)
    return CertificateOptions(
        privateKey=crypto.load_privatekey(crypto.FILETYPE_PEM, certificate.key),
        certificate=first,
        extraCertChain=others,
        acceptableProtocols=[b"http/1.1"],
    )


class EitherFactory(Factory):
    """Makes connections that may begin with a TLS handshake or with plain HTTP."""

    noisy = False

    def __init__(self, pages: http.HTTPFactory, options: CertificateOptions) -> None:
        made: Any = TLSMemoryBIOFactory
        self.secure = made(options, False, pages)
        self.pages = pages
        self.elsewhere = http.HTTPFactory(reactor=pages.reactor)
        self.elsewhere.noisy = False

    def doStart(self) -> None:
        super().doStart()
        self.secure.doStart()
        self.elsewhere.doStart()

    def doStop(self) -> None:
        self.secure.doStop()
        self.elsewhere.doStop()
        super().doStop()

    def buildProtocol(self, addr: IAddress | None) -> "FirstByte":
        return FirstByte(self, addr)

    def protocol_for(self, addr: Any, first_byte: int) -> Any:
        if first_byte == _HANDSHAKE:
            return self.secure.buildProtocol(addr)
        if is_this_machine(addr.host):
            return self.pages.buildProtocol(addr)
        leading: Any = self.elsewhere.buildProtocol(addr)
        leading.requestFactory = ToHttps
        return leading


def is_this_machine(host: str) -> bool:
    """Whether a connection's other end came over the loopback interface."""
    address = ipaddress.ip_address(host)
    return ((address.ipv4_mapped if address.version == 6 else None) or address).is_loopback


class FirstByte(Protocol, TimeoutMixin):
    """Waits for the first byte, then gives the connection to the protocol that it belongs to."""

    def __init__(self, factory: EitherFactory, addr: Any) -> None:
        self._factory, self._addr = factory, addr

    def connectionMade(self) -> None:
        self.setTimeout(_SILENCE)

    def dataReceived(self, data: bytes) -> None:
        self.setTimeout(None)
        transport: Any = self.transport
        transport.protocol = chosen = self._factory.protocol_for(self._addr, data[0])
        chosen.makeConnection(transport)
        chosen.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.setTimeout(None)


class ToHttps(http.Request):
    """Answers every request with the same address under ``https``, for this visit only."""

    def process(self) -> None:
        host = self.getHeader(b"host") or b""
        if self.method in (b"GET", b"HEAD") and _HOST.fullmatch(host) and self.uri.startswith(b"/"):
            self.redirect(b"https://" + host + self.uri)
        else:
            self.setResponseCode(http.BAD_REQUEST)
            self.setHeader(b"content-type", b"text/plain; charset=utf-8")
            self.write(b"This port speaks HTTPS.\n")
        self.setHeader(b"connection", b"close")
        self.finish()
