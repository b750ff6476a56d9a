"""A make-believe client: encodes tones and pictures, packetises them, has its own clock and network."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from meetings.recording.log import RecordLogWriter, TrackHeader

KEY = bytes(range(32))
START_NS = 1_790_000_000_123_456_789
NTP_UNIX = 2_208_988_800


@dataclass
class Client:
    """Its wall clock is `offset` s off the server's; that and its RTP clock run `drift` too fast."""

    identity: str = "zoe"
    offset: float = 0.0
    drift: float = 0.0
    delay: float = 0.02
    jitter: float = 0.0
    loss: float = 0.0
    duplicates: float = 0.0
    seed: int = 7
    first_timestamp: int = 0xFFFFF000
    first_sequence: int = 65_500
    report_every: float | None = 1.0
    lost: Callable[[int], bool] = field(default=lambda index: False)

    def header(self, kind: str, mime: str, rate: int, source: str, sid: str = "TR_1") -> TrackHeader:
        return TrackHeader("room", self.identity, "Zoé", sid, kind, mime, rate, 1, source, START_NS)

    def write(
        self, path: Path, header: TrackHeader, units: list[tuple[float, list[bytes]]], ssrc: int = 0x1234
    ) -> Path:
        """`units`: (true time in s since START_NS, payloads); sends them, and sender reports, into a log."""
        events = self._packets(header.clock_rate, units, ssrc) + self._reports(header.clock_rate, units)
        writer, flushed = RecordLogWriter(path, KEY, header), 0.0
        for arrival, _, event in sorted(events, key=lambda e: e[:2]):
            arrival_ns = START_NS + round(arrival * 1e9)
            if arrival - flushed > 1:
                writer.flush()
                flushed = arrival
            if isinstance(event, bytes):
                writer.rtp(event, arrival_ns)
            else:
                writer.sender_report(*event, arrival_ns)
        writer.close()
        return path

    def rtp_time(self, true: float, rate: int) -> int:
        return (self.first_timestamp + round(true * (1 + self.drift) * rate)) & 0xFFFFFFFF

    def _packets(self, rate: int, units: list[tuple[float, list[bytes]]], ssrc: int) -> list:
        dice, events, index = random.Random(self.seed), [], 0
        for true, payloads in units:
            for place, payload in enumerate(payloads):
                last = place == len(payloads) - 1
                head = struct.pack(
                    "!BBHII",
                    0x80,
                    96 | (0x80 if last else 0),
                    (self.first_sequence + index) & 0xFFFF,
                    self.rtp_time(true, rate),
                    ssrc,
                )
                index += 1
                if self.lost(index - 1) or dice.random() < self.loss:
                    continue
                for _ in range(2 if dice.random() < self.duplicates else 1):
                    arrival = true + self.delay + dice.random() * self.jitter
                    events.append((arrival, index, head + payload))
        return events

    def _reports(self, rate: int, units: list[tuple[float, list[bytes]]]) -> list:
        if self.report_every is None or not units:
            return []
        dice, events = random.Random(self.seed + 1), []
        for true in np.arange(units[0][0] + 0.1, units[-1][0], self.report_every).tolist():
            ntp = true * (1 + self.drift) + self.offset + START_NS / 1e9 + NTP_UNIX
            fixed = (START_NS // 10**9 + NTP_UNIX) << 32
            fixed += round((true * (1 + self.drift) + self.offset + START_NS % 10**9 / 1e9) * 2**32)
            assert abs(fixed / 2**32 - ntp) < 1e-5
            arrival = true + self.delay + dice.random() * self.jitter
            events.append((arrival, -1, (fixed, self.rtp_time(true, rate))))
        return events


def tone_bursts(bursts: list[tuple[float, float]], duration: float, hz: float = 440.0) -> np.ndarray:
    """Mono float32 at 48 kHz: a tone of amplitude 0.5 in each (start, end), silence elsewhere."""
    at = np.arange(round(duration * 48_000)) / 48_000
    on = np.zeros(len(at), bool)
    for start, end in bursts:
        on |= (at >= start) & (at < end)
    return np.where(on, 0.5 * np.sin(2 * np.pi * hz * at), 0).astype(np.float32)


def opus_units(sound: np.ndarray, begin: float = 0.0) -> list[tuple[float, list[bytes]]]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "flt"
    encoder.bit_rate, encoder.time_base = 32_000, Fraction(1, 48_000)
    packets = []
    for start in range(0, len(sound) - 959, 960):
        frame = av.AudioFrame.from_ndarray(
            sound[np.newaxis, start : start + 960], format="flt", layout="mono"
        )
        frame.sample_rate, frame.pts = 48_000, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return [(begin + index * 0.02, [packet]) for index, packet in enumerate(packets)]


def vp8_units(
    seconds: float, begin: float = 0.0, size: tuple[int, int] = (160, 96), fps: int = 10, gop: int = 10
) -> list[tuple[float, list[bytes]]]:
    """A gradient that moves, packetised with picture ids (RFC 7741) in pieces of 300 bytes."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
    encoder.time_base, encoder.bit_rate, encoder.gop_size = Fraction(1, fps), 200_000, gop
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    encoder.thread_count = 1
    units: list[tuple[float, list[bytes]]] = []
    for number in range(round(seconds * fps)):
        ramp = (np.add.outer(np.arange(size[1]), np.arange(size[0])) * 3 + number * 9) % 256
        frame = av.VideoFrame.from_ndarray(np.dstack([ramp] * 3).astype(np.uint8), format="rgb24")
        frame.pts = number
        for packet in encoder.encode(frame.reformat(format="yuv420p")):
            data = bytes(packet)
            pieces = [data[at : at + 300] for at in range(0, len(data), 300)]
            descriptor = struct.pack("!BH", 0x80, 0x8000 | number)
            units.append(
                (
                    begin + number / fps,
                    [
                        bytes([0x90 if n == 0 else 0x80]) + descriptor + piece
                        for n, piece in enumerate(pieces)
                    ],
                )
            )
    return units


def onsets(sound: np.ndarray, rate: int, level: float = 0.1) -> list[float]:
    """Seconds at which sound begins after at least 200 ms of quiet."""
    loud = np.flatnonzero(np.abs(sound) > level)
    first = np.r_[True, np.diff(loud) > rate // 5] if len(loud) else np.zeros(0, bool)
    return (loud[first] / rate).tolist()
