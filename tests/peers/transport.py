"""The far end of a transport, without a codec: controlling ICE agent, aiortc's DTLS, SRTP, a data channel."""

import asyncio
import os
import secrets
import socket
from dataclasses import dataclass

from aioice import stun
from aiortc import RTCCertificate
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

Address = tuple[str, int]
CHECK_EVERY = 2.5  # seconds, RFC 7675 §5.1


@dataclass(frozen=True)
class Remote:
    """What an answer says about the relay's end."""

    address: Address
    ufrag: str
    password: str
    fingerprint: tuple[str, str]


class LightTransport(asyncio.DatagramProtocol):
    """What aiortc takes for an ICE transport.

    ``received`` counts datagrams of media, ``decrypted`` those that were read (every 20th, which is cheaper).
    Once ``dead``, nothing is sent any more, not even a goodbye.
    """

    role = "controlling"

    def __init__(self) -> None:
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.certificate = RTCCertificate.generateCertificate()
        self.received = self.decrypted = self.unreadable = 0
        self.messages: list[bytes] = []
        self.dead = False
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue(1024)
        self._udp: asyncio.DatagramTransport | None = None
        self._remote: Remote | None = None
        self._checked = asyncio.Event()
        self._checks: asyncio.Task[None] | None = None
        self._dtls = RTCDtlsTransport(self, [self.certificate])  # type: ignore[arg-type]
        self._dtls._set_role("server")
        self._sctp = RTCSctpTransport(self._dtls)
        self._channel: RTCDataChannel | None = None

    @property
    def fingerprint(self) -> str:
        found = next(f for f in self.certificate.getFingerprints() if f.algorithm == "sha-256")
        return found.value

    # aiortc's side

    async def _recv(self) -> bytes:
        return await self._inbox.get()

    async def _send(self, data: bytes) -> None:
        self.send(data)

    # The wire

    def datagram_received(self, data: bytes, address: Address) -> None:
        first = data[0] if data else 255
        if first < 4:
            self._checked.set()
        elif 20 <= first <= 63:
            if not self._inbox.full():
                self._inbox.put_nowait(data)
        elif 128 <= first <= 191:
            self._media(data)

    def _media(self, data: bytes) -> None:
        self.received += 1
        session = self._dtls._rx_srtp
        if session is None or 192 <= data[1] <= 223 or self.received % 20:
            return
        try:
            session.unprotect(data)
            self.decrypted += 1
        except Exception:
            self.unreadable += 1

    def error_received(self, exc: Exception) -> None:
        """The relay's port may be closed for a while."""

    def send(self, data: bytes) -> None:
        if self._udp is not None and self._remote is not None and not self.dead:
            self._udp.sendto(data, self._remote.address)

    # Coming and going

    async def reach(self, remote: Remote) -> None:
        """From a fresh port: checks until the relay answers. Again, with new credentials: an ICE restart."""
        self._close_socket()
        self._remote = remote
        self._checked.clear()
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(remote.address[0], 0), family=socket.AF_INET
        )
        self._checks = asyncio.create_task(self._keep_checking())
        async with asyncio.timeout(20):
            await self._checked.wait()

    async def secure(self) -> None:
        """DTLS, then the data channel."""
        assert self._remote is not None
        name, value = self._remote.fingerprint
        expected = RTCDtlsParameters([RTCDtlsFingerprint(name, value)], role="client")
        async with asyncio.timeout(20):
            await self._dtls.start(expected)
        if self._dtls.state != "connected":
            raise ConnectionError(f"DTLS {self._dtls.state}")
        await self._sctp.start(RTCSctpCapabilities(65_536), 5000)
        self._channel = RTCDataChannel(self._sctp, RTCDataChannelParameters(label="_reliable"))
        self._channel.on("message", self.messages.append)

    def say(self, message: bytes) -> bool:
        """Sends on the data channel; False where it is not open."""
        if self._channel is None or self._channel.readyState != "open":
            return False
        self._channel.send(message)
        return True

    def protect(self, packet: bytes) -> bytes:
        return bytes(self._dtls._tx_srtp.protect(packet))

    async def close(self) -> None:
        """With a goodbye, unless ``dead``."""
        if self._checks is not None:
            self._checks.cancel()
            await asyncio.gather(self._checks, return_exceptions=True)
        reader = self._dtls._task
        await self._sctp.stop()
        await self._dtls.stop()
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)
        self._close_socket()

    def _close_socket(self) -> None:
        if self._checks is not None:
            self._checks.cancel()
        if self._udp is not None:
            self._udp.abort()
            self._udp = None

    async def _keep_checking(self) -> None:
        while True:
            assert self._remote is not None
            self.send(binding_request(self._remote, self.ufrag))
            await asyncio.sleep(CHECK_EVERY if self._checked.is_set() else 0.1)


def binding_request(remote: Remote, ufrag: str) -> bytes:
    """A nominating connectivity check (RFC 8445 §7.2.2)."""
    message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{remote.ufrag}:{ufrag}"
    message.attributes["PRIORITY"] = 1_845_501_695
    message.attributes["ICE-CONTROLLING"] = int.from_bytes(os.urandom(8), "big")
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(remote.password.encode())
    return bytes(message)
