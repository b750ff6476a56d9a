"""The bad path does what it is told."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.peers.impairment import SHIFT, Impairment, Way

HERE, THERE = "127.0.0.2", "127.0.0.3"


def udp(host: str, port: int = 0) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, port))
    sock.settimeout(0.5)
    return sock


@pytest.fixture
def ends() -> Iterator[tuple[Impairment, socket.socket, socket.socket]]:
    # Below the ports that the system gives out, and each test process its own.
    with closing(udp(THERE, 15_000 + os.getpid() % 5_000)) as server, closing(udp("127.0.0.1")) as client:
        port = server.getsockname()[1]
        client.connect((HERE, port + SHIFT))
        with Impairment(HERE, THERE, range(port, port + 1)) as path:
            yield path, client, server


def count(sock: socket.socket) -> int:
    found = 0
    try:
        while sock.recv(2000):
            found += 1
    except TimeoutError:
        return found
    return found


def test_there_and_back(ends) -> None:
    _, client, server = ends
    client.send(b"there")
    data, address = server.recvfrom(2000)
    server.sendto(data + b" and back", address)
    assert client.recv(2000) == b"there and back"


def test_some_are_lost(ends) -> None:
    path, client, server = ends
    path.set(up=Way(loss=0.3))
    time.sleep(0.2)
    for _ in range(400):
        client.send(b"x")
        time.sleep(0.0005)
    assert 200 < count(server) < 350


def test_a_ceiling_lets_through_so_much_and_keeps_a_queue(ends) -> None:
    path, client, server = ends
    path.set(up=Way(rate=800_000, queue=0.1))
    time.sleep(0.2)
    for _ in range(100):
        client.send(bytes(1000))
    assert 10 <= count(server) <= 14  # what the queue holds, and what left meanwhile


def test_delay(ends) -> None:
    path, client, server = ends
    path.set(up=Way(delay=0.2))
    time.sleep(0.2)
    began = time.monotonic()
    client.send(b"x")
    server.recv(2000)
    assert time.monotonic() - began >= 0.2
