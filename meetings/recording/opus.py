"""What an Opus packet says about itself without being decoded (RFC 6716). Pure."""

from typing import Final

SAMPLE_RATE: Final = 48_000
MAX_SAMPLES: Final = SAMPLE_RATE * 120 // 1000

# 20 ms of silence in stereo: CELT, full band, one frame (table 2 of RFC 6716), entropy-coded "silent".
SILENCE: Final = b"\xfc\xff\xfe"
SILENCE_SAMPLES: Final = 960

_SILK_MS = (10, 20, 40, 60)
_HYBRID_MS = (10, 20)
_CELT_MS = (2.5, 5, 10, 20)


def duration_samples(packet: bytes) -> int | None:
    """How long a packet sounds, in samples at 48 kHz; None where it is malformed (§3.1, §3.2)."""
    if not packet:
        return None
    config, code = packet[0] >> 3, packet[0] & 3
    if code == 3 and len(packet) < 2:
        return None
    frames = {0: 1, 1: 2, 2: 2, 3: packet[1] & 0x3F if code == 3 else 0}[code]
    samples = frames * int(_frame_ms(config) * SAMPLE_RATE / 1000)
    return samples if 0 < samples <= MAX_SAMPLES else None


def is_untransmitted(packet: bytes) -> bool:
    """True for what an encoder sends now and then during silence (DTX): frames of no bytes, or one."""
    return len(packet) <= 2


def _frame_ms(config: int) -> float:
    if config < 12:
        return _SILK_MS[config % 4]
    if config < 16:
        return _HYBRID_MS[config % 2]
    return _CELT_MS[config % 4]
