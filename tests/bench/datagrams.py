"""What answering from the address that was asked costs per packet: `make bench-datagrams`.

One thread's CPU µs per datagram of 1,100 bytes over loopback, in each family: receiving without (`recvfrom`)
and with the address it was sent to (`recvmsg`), sending without (`sendto`) and with ours named (`sendmsg`).
The relay receives each packet once and sends it to everybody else; it names its address only where the system
would choose another.
"""

import socket
import statistics
import time
from collections.abc import Callable

from meetings.relay.dataplane.datagrams import BATCH, IP_PKTINFO, source_from
from tests.bench import report

PACKET = bytes(1100)


def measure(family: socket.AddressFamily, host: str, repeats: int) -> dict[str, float]:
    """Medians in µs by the name of the call."""
    costs: dict[str, list[float]] = {}
    with (
        socket.socket(family, socket.SOCK_DGRAM) as sender,
        socket.socket(family, socket.SOCK_DGRAM) as receiver,
    ):
        if family == socket.AF_INET:
            receiver.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        else:
            receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        receiver.bind((host, 0))
        address = receiver.getsockname()[:2]
        source = source_from(host)
        sends: dict[str, Callable[[], object]] = {
            "sendto": lambda: sender.sendto(PACKET, address),
            "sendmsg": lambda: sender.sendmsg((PACKET,), source, 0, address),
        }
        receives: dict[str, Callable[[], object]] = {
            "recvfrom": lambda: receiver.recvfrom(2048),
            "recvmsg": lambda: receiver.recvmsg(2048, 64),
        }
        for turn in range(repeats):
            for calls in (sends, receives):
                name = list(calls)[turn % 2]
                costs.setdefault(name, []).append(_cost(calls[name]))
    return {name: statistics.median(values) for name, values in costs.items()}


def _cost(call: Callable[[], object]) -> float:
    began = time.thread_time()
    for _ in range(BATCH):
        call()
    return (time.thread_time() - began) / BATCH * 1e6


def bench() -> None:
    repeats = 400 if report.quick() else 4000
    rows, summary = [], {}
    for name, family, host in (("IPv4", socket.AF_INET, "127.0.0.1"), ("IPv6", socket.AF_INET6, "::1")):
        costs = measure(family, host, repeats)
        rows += [
            (name, "receive", f"{costs['recvfrom']:.2f}", f"{costs['recvmsg']:.2f}"),
            (name, "send", f"{costs['sendto']:.2f}", f"{costs['sendmsg']:.2f}"),
        ]
        summary |= {f"{name}_{call}_us": cost for call, cost in costs.items()}
    print(report.table("CPU µs per datagram, median", ("family", "", "without", "with our address"), rows))
    print(report.write("datagrams", runs=[], summary=summary))


if __name__ == "__main__":
    bench()
