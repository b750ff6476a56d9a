"""A bad network in the path: forwards UDP between clients and a relay, and loses what it is told to lose."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

Address = tuple[str, int]
Loses = Callable[[bytes], bool]


def media(data: bytes) -> bool:
    """RTP, not RTCP (RFC 5761 section 4)."""
    return data[0] >> 6 == 2 and not 192 <= data[1] <= 223


def every(number: int) -> Loses:
    """Loses each `number`th media packet."""
    seen = 0

    def loses(data: bytes) -> bool:
        nonlocal seen
        seen += media(data)
        return media(data) and seen % number == 0

    return loses


def nothing(data: bytes) -> bool:
    return False


def everything(data: bytes) -> bool:
    return True


class _End(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._received(data, addr)


class Impairer:
    """Stands at `host`:`port`, where clients believe the relay to be; it listens on 127.0.0.1, same port."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._front: asyncio.DatagramTransport | None = None
        self._backs: dict[Address, asyncio.DatagramTransport] = {}
        self._waiting: dict[Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.loses_up: Loses = nothing
        self.loses_down: Loses = nothing
        self.lost = 0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(
            lambda: _End(self._from_client), local_addr=(self._host, self._port)
        )
        buffers = self._front.get_extra_info("socket")
        buffers.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    async def stop(self) -> None:
        await asyncio.gather(*self._tasks)
        for transport in (self._front, *self._backs.values()):
            if transport is not None:
                transport.close()

    def move(self) -> None:
        """All clients change their network: the relay sees them under new addresses."""
        backs, self._backs = self._backs, {}
        for transport in backs.values():
            transport.close()

    def _from_client(self, data: bytes, address: Address) -> None:
        if self.loses_up(data):
            self.lost += 1
        elif address in self._backs:
            self._backs[address].sendto(data)
        elif address in self._waiting:
            self._waiting[address].append(data)
        else:
            self._waiting[address] = [data]
            self._tasks.add(asyncio.create_task(self._connect(address)))

    async def _connect(self, client: Address) -> None:
        def from_relay(data: bytes, _: Address) -> None:
            assert self._front is not None
            if self.loses_down(data):
                self.lost += 1
            else:
                self._front.sendto(data, client)

        loop = asyncio.get_running_loop()
        back, _ = await loop.create_datagram_endpoint(
            lambda: _End(from_relay), local_addr=(self._host, 0), remote_addr=("127.0.0.1", self._port)
        )
        self._backs[client] = back
        for data in self._waiting.pop(client):
            back.sendto(data)
