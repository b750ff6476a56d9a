"""What a peer over TCP costs the relay beyond one over UDP: `make bench-ice-tcp`.

CPU µs of the relay's process per datagram of 1,100 bytes, between a peer's connection and the data plane's
socket, each way, on uvloop as the relay runs it. Peer and data plane are processes of their own, and send a
thousand datagrams in a quarter of a second: 35 Mbit/s, twenty people's pictures.
"""

import asyncio
import statistics
import subprocess
import sys
import time

import uvloop

from tests.bench import report
from tests.meetings.relay.test_ice_tcp import LIMITS, Stage

BURST = 10
_PEER = """
import socket, sys, time
port, check, number = int(sys.argv[1]), bytes.fromhex(sys.argv[2]), int(sys.argv[3])
peer = socket.create_connection(("127.0.0.1", port))
peer.sendall(check)
peer.recv(200)
print("proved", flush=True)
for _ in range(number // 10):
    peer.sendall((b"\\x04\\x4c" + bytes([128]) * 1100) * 10)
    time.sleep(0.0025)
while peer.recv(1 << 20):
    pass
"""
_PLANE = """
import socket, sys, time
plane = socket.fromfd(int(sys.argv[1]), socket.AF_INET, socket.SOCK_DGRAM)
plane.setblocking(True)
for _ in range(int(sys.argv[3]) // 10):
    for _ in range(10):
        plane.sendto(bytes([128]) * 1100, ("127.0.0.1", int(sys.argv[2])))
    time.sleep(0.0025)
"""


async def measure(number: int) -> tuple[float, float]:
    """µs per datagram to the peer, and from it."""
    stage = Stage()
    edge = await stage.listen(LIMITS)
    costs = []
    for sent in (0, number):
        arguments = (str(stage.port), stage.check().hex(), str(sent))
        peer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PEER, *arguments, stdout=asyncio.subprocess.PIPE
        )
        assert peer.stdout is not None
        await peer.stdout.readline()
        began = time.process_time()
        if sent:
            await asyncio.sleep(number / BURST * 0.004 + 1)
        else:
            await _plane_sends(stage, number)
        costs.append((time.process_time() - began) / number * 1e6)
        peer.kill()
        await peer.wait()
    assert not edge.counters, edge.counters
    await stage.close()
    return costs[0], costs[1]


async def _plane_sends(stage: Stage, number: int) -> None:
    descriptor, port = stage.plane.fileno(), stage.bound[-1][1][1]
    arguments = (str(descriptor), str(port), str(number))
    plane = subprocess.Popen([sys.executable, "-c", _PLANE, *arguments], pass_fds=[descriptor])
    while plane.poll() is None:
        await asyncio.sleep(0.1)


def bench() -> None:
    number, rounds = (2_000, 1) if report.quick() else (10_000, 3)
    runs = []
    for _ in range(rounds):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runs.append(runner.run(measure(number)))
    down, up = (statistics.median(each) for each in zip(*runs, strict=True))
    rows = [("to the peer", f"{down:.1f}"), ("from the peer", f"{up:.1f}")]
    print(report.table("CPU µs per datagram, median", ("way", "µs"), rows))
    summary = {"to_peer_us": down, "from_peer_us": up}
    print(report.write("ice_tcp", runs=[{"to": to, "from": back} for to, back in runs], summary=summary))


if __name__ == "__main__":
    bench()
