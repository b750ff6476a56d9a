"""One connection of the load generator: an own socket, ICE, DTLS; no data channel. Its socket is read by the
event loop until the load begins, then in batches."""

import asyncio
import socket
from collections.abc import Callable

from aioice import stun
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from pylibsrtp import Session

from tests.bench.relay.ears import stamped
from tests.peers.transport import Address, LightTransport, Remote


class Line(LightTransport):
    """`own`: the local address. `on_rtcp` gets what the server says, in plain text."""

    def __init__(self, own: str) -> None:
        super().__init__()
        self.socket: socket.socket | None = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        stamped(self.socket)
        self.socket.bind((own, 0))
        self.on_rtcp: Callable[[bytes], None] = lambda packet: None

    @property
    def candidate(self) -> str:
        assert self.socket is not None
        host, port = self.socket.getsockname()
        return f"candidate:1 1 udp 2130706431 {host} {port} typ host"

    @property
    def cipher(self) -> str:
        assert self._dtls._ssl is not None
        return bytes(self._dtls._ssl.get_selected_srtp_profile()).decode()

    @property
    def inbound(self) -> Session:
        return self._dtls._rx_srtp

    @property
    def outbound(self) -> Session:
        return self._dtls._tx_srtp

    async def reach(self, remote: Remote) -> None:
        """Checks until the server answers."""
        assert self.socket is not None
        self._remote = remote
        self.socket.connect(remote.address)
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._readable)
        self._checks = asyncio.create_task(self._keep_checking())
        async with asyncio.timeout(20):
            await self._checked.wait()

    async def secure(self) -> None:
        """The handshake alone."""
        assert self._remote is not None
        name, value = self._remote.fingerprint
        async with asyncio.timeout(30):
            await self._dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(name, value)], role="auto"))
        if self._dtls.state != "connected":
            raise ConnectionError(f"DTLS {self._dtls.state}")

    def send(self, data: bytes) -> None:
        if self.socket is not None and not self.dead:
            try:
                self.socket.send(data)
            except OSError:
                self.unreadable += 1

    def datagram_received(self, data: bytes, address: Address) -> None:
        """Also answers the server's own checks, which Janus sends even as an ICE-lite agent."""
        if data[:2] == b"\x00\x01" and self._remote is not None:
            request = stun.parse_message(data)
            answer = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
            answer.attributes["XOR-MAPPED-ADDRESS"] = self._remote.address
            answer.add_message_integrity(self.password.encode())
            self.send(bytes(answer))
        else:
            super().datagram_received(data, address)

    def take_over(self) -> int:
        """From now on somebody else reads the socket with this number."""
        assert self.socket is not None
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        return self.socket.fileno()

    def hand_back(self) -> None:
        """The event loop reads the socket again."""
        assert self.socket is not None
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._readable)

    def _readable(self) -> None:
        assert self.socket is not None
        for _ in range(64):
            try:
                self.datagram_received(self.socket.recv(2048), ("", 0))
            except (BlockingIOError, ConnectionRefusedError):
                return

    def _media(self, data: bytes) -> None:
        if 192 <= data[1] <= 223 and self._dtls._rx_srtp is not None:
            self.on_rtcp(self.inbound.unprotect_rtcp(data))

    def _close_socket(self) -> None:
        if self._checks is not None:
            self._checks.cancel()
        if self.socket is not None:
            asyncio.get_running_loop().remove_reader(self.socket.fileno())
            self.socket.close()
            self.socket = None
