"""The RTCP packets the relay speaks, as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one stream arrives (RFC 3550 section 6.4.1).

    `fraction_lost` in 1/256, `jitter` in timestamp units, `lsr` the middle 32 bits of an NTP time,
    `dlsr` in 1/65536 s; `packets_lost` is signed: duplicates make it negative.
    """

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """`ntp` is 64-bit NTP time: seconds since 1900 in the upper, fraction in the lower half."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RFC 3550 section 6.4.2; at most 31 reports."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """Canonical names only: `chunks` holds (ssrc, cname) (RFC 3550 section 6.5)."""

    chunks: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """RFC 3550 section 6.6."""

    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers to send again (RFC 4585 section 6.2.1)."""

    ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """Asks for a keyframe (RFC 4585 section 6.3.1)."""

    ssrc: int
    media_ssrc: int


@dataclass(frozen=True, slots=True)
class FullIntraRequest:
    """Asks for a keyframe of each target; `command` must change with each new request (RFC 5104 4.3.1)."""

    ssrc: int
    targets: tuple[int, ...]
    command: int = 0


@dataclass(frozen=True, slots=True)
class Remb:
    """Receiver estimated maximum bitrate, in bit/s (draft-alvestrand-rmcat-remb-03)."""

    ssrc: int
    bitrate: int
    ssrcs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Arrival times of packets (draft-holmer-rmcat-transport-wide-cc-extensions-01).

    `received` holds (sequence, µs since the packet received before it or, for the first, since
    `reference_time`) in order of sequence, None where nothing came; `reference_time` is signed, in 64 ms.
    """

    ssrc: int
    media_ssrc: int
    base_sequence: int
    feedback_count: int
    reference_time: int
    received: tuple[tuple[int, int | None], ...]


RtcpPacket = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | Nack
    | PictureLoss
    | FullIntraRequest
    | Remb
    | TransportFeedback
)
