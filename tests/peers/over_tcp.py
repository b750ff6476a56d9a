"""The far end of a transport over TCP (RFC 6544, framed as in RFC 4571); the rest as over UDP."""

import asyncio

from .transport import LightTransport, Remote


class _Stream(asyncio.Protocol):
    def __init__(self, end: "TcpTransport", remote: Remote) -> None:
        self._end, self._remote, self._rest = end, remote, b""

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        while len(data) >= 2 and len(data) >= (size := 2 + int.from_bytes(data[:2], "big")):
            self._end.datagram_received(data[2:size], self._remote.address)
            data = data[size:]
        self._rest = data


class TcpTransport(LightTransport):
    """Comes over a fresh connection each time."""

    def __init__(self) -> None:
        super().__init__()
        self._stream: asyncio.Transport | None = None

    async def reach(self, remote: Remote) -> None:
        self._close_socket()
        self._remote = remote
        self._checked.clear()
        loop = asyncio.get_running_loop()
        self._stream, _ = await loop.create_connection(lambda: _Stream(self, remote), *remote.address)
        self._checks = asyncio.create_task(self._keep_checking())
        async with asyncio.timeout(20):
            await self._checked.wait()

    def send(self, data: bytes) -> None:
        if self._stream is not None and not self.dead:
            self._stream.write(len(data).to_bytes(2, "big") + data)

    def cut(self) -> None:
        """The connection breaks; nobody is told."""
        if self._stream is not None:
            self._stream.abort()
            self._stream = None

    def _close_socket(self) -> None:
        super()._close_socket()
        self.cut()
