"""What a forwarded packet costs on the portable data plane: `make bench-relay-portable`.

One publisher of 720p VP8 (1.5 Mbit/s, 30 pictures a second) and Opus goes to 10 or 40 subscribers over
loopback UDP, AES-256-GCM on every leg, congestion feedback on. This process is the relay's media path alone,
without signalling; publisher and subscribers live in another process. CPU is this process's, user and system,
over packets sent on.
"""

import asyncio
import json
import secrets
import select
import socket
import statistics
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

from livekit.protocol.models import TrackInfo, TrackType
from pylibsrtp import Policy, Session

from meetings.relay.dataplane.portable import PortablePlane
from meetings.relay.downtrack import DownTrack
from meetings.relay.interface import RtpHeader, SrtpSessions
from meetings.relay.rtp import rebuild_rtp
from meetings.relay.sdp import ABS_SEND_TIME, MID, Codec
from meetings.relay.uptrack import UpTrack
from tests.bench import report

ROOT = Path(__file__).resolve().parents[2]
VP8, OPUS = Codec(96, "VP8", 90_000), Codec(111, "opus", 48_000, 2)
VIDEO_SSRC, AUDIO_SSRC = 0x1111, 0x2222
KEY_BYTES = 44  # 32 of key, 12 of salt
TWCC, MID_EXTENSION = 3, 4
PICTURE, PACKETS_PER_PICTURE, PAYLOAD = 1 / 30, 6, 1040  # 1.5 Mbit/s
SOUND, SOUND_PAYLOAD = 1 / 50, 80


def session(key: bytes, *, inbound: bool) -> Session:
    direction = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM)
    policy.window_size = 1024
    policy.allow_repeat_tx = True
    return Session(policy)


class Far:
    """`interface.TransportEvents` of a transport whose handshake is over."""

    def dtls_received(self, data: bytes) -> None:
        """None comes."""

    def rtcp_received(self, packet: bytes, now: float) -> None:
        """None comes."""

    def rtp_unknown(self, header: RtpHeader, packet: bytes, now: float) -> None:
        """All sources are known."""


# The other process


class Publisher:
    """A camera and a microphone, paced as browsers pace them."""

    def __init__(self, key: bytes, relay: tuple[str, int]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self._session, self._relay = session(key, inbound=False), relay
        self._transport = count()
        self._sequences = {VIDEO_SSRC: count(), AUDIO_SSRC: count()}
        self._pictures, self._sounds = count(), count()

    def picture(self) -> None:
        number = next(self._pictures)
        for part in range(PACKETS_PER_PICTURE):
            first = 0x90 if part == 0 else 0x80
            head = bytes((first, 0x80, 0x80 | number >> 8 & 0x7F, number & 0xFF, number % 90 != 0))
            last = part == PACKETS_PER_PICTURE - 1
            self._send(VIDEO_SSRC, VP8.payload_type, number * 3000, head + bytes(PAYLOAD), marker=last)

    def sound(self) -> None:
        self._send(
            AUDIO_SSRC, OPUS.payload_type, next(self._sounds) * 960, bytes(SOUND_PAYLOAD), marker=False
        )

    def _send(self, ssrc: int, payload_type: int, timestamp: int, payload: bytes, *, marker: bool) -> None:
        packet = rebuild_rtp(
            payload,
            RtpHeader(marker, payload_type, 0, 0, ssrc, 0, 0, {}),
            payload_type=payload_type,
            sequence=next(self._sequences[ssrc]),
            timestamp=timestamp,
            ssrc=ssrc,
            extensions=[(TWCC, (next(self._transport) & 0xFFFF).to_bytes(2, "big")), (MID_EXTENSION, b"0")],
        )
        self.socket.sendto(self._session.protect(packet), self._relay)


def generate() -> None:
    """Publisher and subscribers, steered by lines on standard input: a task as JSON (keys in hex), then any.

    Answers with the ports, then with what arrived. The first subscriber decrypts all that it gets.
    """
    task = json.loads(sys.stdin.readline())
    publisher = Publisher(bytes.fromhex(task["publisher"]), ("127.0.0.1", task["relay"]))
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(task["subscribers"])]
    poll = select.epoll()
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        each.bind(("127.0.0.1", 0))
        each.setblocking(False)
        poll.register(each.fileno(), select.EPOLLIN)
    ports = [publisher.socket.getsockname()[1], *(each.getsockname()[1] for each in sockets)]
    print(json.dumps(ports), flush=True)
    sys.stdin.readline()
    received = play(
        publisher, sockets, poll, task["seconds"], session(bytes.fromhex(task["subscriber"]), inbound=True)
    )
    print(json.dumps(received), flush=True)


def play(
    publisher: Publisher, sockets: list[socket.socket], poll: select.epoll, seconds: float, first: Session
) -> dict[str, int]:
    by_number = {each.fileno(): each for each in sockets}
    received = decrypted = 0
    began = picture = sound = time.monotonic()
    while (now := time.monotonic()) < began + seconds + 0.3:
        if now < began + seconds:
            while picture <= now:
                publisher.picture()
                picture += PICTURE
            while sound <= now:
                publisher.sound()
                sound += SOUND
        for number, _ in poll.poll(max(0.0, min(picture, sound) - now) if now < began + seconds else 0.02):
            for data in drained(by_number[number]):
                received += 1
                if by_number[number] is sockets[0] and not 192 <= data[1] <= 223:
                    first.unprotect(data)
                    decrypted += 1
    return {"received": received, "decrypted": decrypted}


def drained(each: socket.socket) -> list[bytes]:
    found = []
    try:
        while True:
            found.append(each.recv(2048))
    except BlockingIOError:
        return found


# This process


def track(number: int, codec: Codec, ssrc: int) -> UpTrack:
    kind = TrackType.VIDEO if codec is VP8 else TrackType.AUDIO
    info = TrackInfo(sid=f"TR_{number}", type=kind)
    made = UpTrack(number, info, "cid", "ann", "PA_1", codec=codec, mid="0")
    made.add_layer("", ssrc)
    return made


async def measure(subscribers: int, seconds: float) -> dict[str, Any]:
    """One run: {"subscribers", "cpu_us", "packets", "per_second", "lost", "decrypted"}."""
    plane = PortablePlane(bind="127.0.0.1", port=0, stun_received=lambda data, address, local: None)
    await plane.start()
    up, down = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
    generator = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.relay_portable", "generate"),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert generator.stdin is not None
    assert generator.stdout is not None
    task = {"relay": plane.port, "publisher": up.hex(), "subscriber": down.hex()}
    generator.stdin.write(
        json.dumps({**task, "subscribers": subscribers, "seconds": seconds}).encode() + b"\n"
    )
    ports = json.loads(await generator.stdout.readline())
    build(plane, ports, up, down)
    generator.stdin.write(b"go\n")
    began, cpu = time.monotonic(), time.process_time()
    played = asyncio.create_task(generator.stdout.readline())
    while not played.done():
        await asyncio.sleep(0.05)
        plane.congestion_feedback(0)
    cpu, elapsed = time.process_time() - cpu, time.monotonic() - began
    await generator.wait()
    sent = plane.counters()["forwarded"]
    await plane.stop()
    result = json.loads(played.result())
    return {
        "subscribers": subscribers,
        "cpu_us": cpu / sent * 1e6,
        "packets": sent,
        "per_second": sent / elapsed,
        "lost": sent - result["received"],
        "decrypted": result["decrypted"],
    }


def build(plane: PortablePlane, ports: list[int], up: bytes, down: bytes) -> None:
    """The publisher is transport 0; every subscriber gets both tracks."""
    tracks = track(1, VP8, VIDEO_SSRC), track(2, OPUS, AUDIO_SSRC)
    for number, port in enumerate(ports):
        plane.open(number, Far())
        plane.bind(number, ("127.0.0.1", port), preferred=True)
        plane.secure(number, SrtpSessions(session(up, inbound=True), session(down, inbound=False)))
    plane.watch_congestion(0, TWCC)
    for each in tracks:
        for ssrc in (layer.ssrc for layer in each.layers.values()):
            plane.add_stream(0, ssrc, each.layers[""])
        for number in range(1, len(ports)):
            sink = DownTrack(each, number)
            assert each.codec is not None
            sink.assign("5", each.codec, {MID: 4, ABS_SEND_TIME: 2})
            sink.ready = True
            plane.attach(each.number, sink)


async def bench() -> None:
    repeats, seconds = (2, 4.0) if report.quick() else (5, 10.0)
    runs = [await measure(size, seconds) for _ in range(repeats) for size in (10, 40)]
    rows, summary = [], {}
    for size in (10, 40):
        mine = [run for run in runs if run["subscribers"] == size]
        costs = [run["cpu_us"] for run in mine]
        lost = sum(run["lost"] for run in mine) / sum(run["packets"] for run in mine)
        rate = statistics.median(run["per_second"] for run in mine)
        rows.append((f"1 × {size}", report.spread(costs), f"{rate:.0f}", f"{lost:.2%}"))
        summary[f"cpu_us_per_packet_{size}_subscribers"] = statistics.median(costs)
        summary[f"lost_{size}_subscribers"] = lost
    title = "Portable data plane: CPU µs per forwarded packet, median (least–most)"
    print(report.table(title, ("publishers × subscribers", "CPU µs", "packets/s", "lost"), rows))
    print(report.write("relay_portable", runs=runs, summary=summary))


if __name__ == "__main__":
    if sys.argv[1:] == ["generate"]:
        generate()
    else:
        asyncio.run(bench())
