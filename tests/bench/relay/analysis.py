"""From what was heard to figures: which packets arrived, and how long after they were sent."""

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from pylibsrtp import Error, Session

from tests.bench.relay.ears import HEADER, STAMP, Ears
from tests.bench.relay.load import Load, Mark
from tests.bench.relay.publisher import MARK, VIDEO
from tests.peers.descriptions import AUDIO as OPUS
from tests.peers.descriptions import VIDEO as VP8

_TIMESPEC: Final = 16  # after the control message's header
_DESCRIPTOR: Final = 4
SILENCE: Final = 1e6  # ms: the latency of a run in which nothing arrived


@dataclass
class Proof:
    """Packets that were decrypted: how many were whole, and which of a publisher's packets each was.

    `anchors[(peer, SSRC)]`: publisher, kind, and the offset of the sequence number (modulo 2¹⁶).
    """

    whole: int = 0
    wrong: int = 0
    anchors: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)


def proof(load: Load, sessions: Mapping[int, Session]) -> Proof:
    found = Proof()
    for peer, packet in load.heard.samples:
        if packet[1] & 0x7F not in (VP8, OPUS) or packet[0] >> 6 != 2:
            continue
        try:
            plain = sessions[peer].unprotect(packet)
        except Error:
            found.wrong += 1
            continue
        sequence, ssrc = _identify(plain)
        payload = plain[_payload_at(plain) :]
        publisher, kind, original = MARK.unpack(payload[-MARK.size :])
        anchor = publisher, kind, (sequence - original) & 0xFFFF
        if found.anchors.setdefault((peer, ssrc), anchor) != anchor or not _same(load, payload, kind):
            found.wrong += 1
        else:
            found.whole += 1
    return found


def _identify(packet: bytes) -> tuple[int, int]:
    sequence, _, ssrc = struct.unpack_from("!HII", packet, 2)
    return sequence, ssrc


def _payload_at(packet: bytes) -> int:
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    return at


def _same(load: Load, payload: bytes, kind: int) -> bool:
    """Whether it is a piece of the film or the sound, but for its mark and descriptor."""
    body = payload[_DESCRIPTOR if kind == VIDEO else 0 : -MARK.size]
    return body in load.known[kind]


@dataclass(frozen=True)
class Arrivals:
    """Of one stream at one subscriber: original numbers and times of arrival (Unix ns)."""

    publisher: int
    kind: int
    numbers: Any
    times: Any


def arrivals(ears: Ears, found: Proof) -> dict[int, list[Arrivals]]:
    """By peer; streams of which nothing was decrypted are left out, and so count as lost."""
    by_peer = {}
    for peer, (headers, stamps) in ears.heard.items():
        fields = np.frombuffer(b"".join(headers), np.uint8).reshape(-1, HEADER)
        times = np.frombuffer(b"".join(stamps), np.int64).reshape(-1, STAMP // 8)[:, _TIMESPEC // 8 :]
        at = times[:, 0] * 1_000_000_000 + times[:, 1]
        media = (fields[:, 0] >> 6 == 2) & np.isin(fields[:, 1] & 0x7F, (VP8, OPUS))
        ssrcs = fields[:, 8:12].copy().view(">u4")[:, 0]
        sequences = fields[:, 2:4].copy().view(">u2")[:, 0].astype(np.int64)
        streams = []
        for ssrc in np.unique(ssrcs[media]):
            anchor = found.anchors.get((peer, int(ssrc)))
            if anchor is not None:
                mine = media & (ssrcs == ssrc)
                streams.append(
                    Arrivals(anchor[0], anchor[1], unwrapped(sequences[mine] - anchor[2]), at[mine])
                )
        by_peer[peer] = streams
    return by_peer


def unwrapped(numbers: Any) -> Any:
    """Sequence numbers modulo 2¹⁶, beginning near 0, in about rising order."""
    numbers = numbers & 0xFFFF
    steps = (np.diff(numbers, prepend=numbers[:1]) + 0x8000 & 0xFFFF) - 0x8000
    return numbers[:1] + np.cumsum(steps)


def figures(load: Load, by_peer: Mapping[int, Sequence[Arrivals]], ends: tuple[Mark, Mark]) -> dict[str, Any]:
    """One window: what was to arrive and did, CPU per packet in µs, latency in ms."""
    began, ended = ends
    expected = delivered = during = 0
    delays, missing = [], Counter[str]()
    for watcher in load.cast.watchers:
        heard = {(each.publisher, each.kind): each for each in by_peer.get(load.peers[watcher.line], ())}
        for publisher in watcher.hears:
            for kind in (0, 1):
                first, last = began.sent[publisher][kind], ended.sent[publisher][kind]
                expected += last - first
                each = heard.get((publisher, kind))
                if each is None:
                    missing["streams"] += 1
                    continue
                chosen = (each.numbers >= first) & (each.numbers < last)
                delivered += int(chosen.sum())
                sent = np.asarray(load.cast.publishers[publisher].sent[kind])
                delays.append(each.times[chosen] - sent[each.numbers[chosen]])
                during += int(((each.times >= began.at) & (each.times < ended.at)).sum())
    seconds = (ended.at - began.at) / 1e9
    late = np.concatenate(delays) / 1e6 if delivered else np.asarray([SILENCE])
    exact = ended.server.exact - began.server.exact
    return {
        "speed": load.speed,
        "seconds": seconds,
        "packets": during,
        "packets_per_second": during / seconds,
        "delivered": delivered / max(1, expected),
        "streams_missing": missing["streams"],
        "cpu_us": exact / max(1, during) * 1e6,
        "cpu_us_by_stat": (ended.server.cpu - began.server.cpu) / max(1, during) * 1e6,
        "cores": exact / seconds,
        "generator_cores": (ended.own - began.own) / seconds,
        "generator_behind_ms": load.behind * 1000,
        **{f"latency_p{name}_ms": float(np.percentile(late, name)) for name in (50, 90, 99)},
    }
