"""Settings in the form that the thread reads: the structs of `abi/records.rs`."""

from typing import Any

from meetings.relay.dataplane.native.binding import NONE, ffi
from meetings.relay.plane import StreamSettings, SubscriptionSettings


def stream(settings: StreamSettings) -> Any:
    """A `plane_stream *`."""
    it = settings
    record = {
        "transport": it.transport,
        "ssrc": it.ssrc,
        "track": it.track,
        "clock_rate": it.clock_rate,
        "voices": it.voices,
        "red_payload_type": _optional(it.red_payload_type),
        "level_extension": _optional(it.level_extension),
        "quality": it.quality,
        "payload_type": it.payload_type,
        "codec": it.codec.encode("ascii", "replace")[:14],
    }
    return ffi.new("plane_stream *", record)


def subscription(settings: SubscriptionSettings) -> Any:
    """A `plane_subscription *`."""
    it = settings
    rtx_ssrc, rtx_payload_type = it.rtx or (0, NONE)
    record = {
        "number": it.number,
        "transport": it.transport,
        "track": it.track,
        "ssrc": it.ssrc,
        "clock_rate": it.clock_rate,
        "rtx_ssrc": rtx_ssrc,
        "red_payload_type": _optional(it.red_payload_type),
        "rtx_payload_type": rtx_payload_type,
        "mid_extension": _optional(it.mid_extension),
        "send_time_extension": _optional(it.send_time_extension),
        "congestion_extension": _optional(it.congestion_extension),
        "payload_type": it.payload_type,
        "mid_length": len(it.mid),
        "mid": it.mid[:16],
    }
    return ffi.new("plane_subscription *", record)


def _optional(number: int | None) -> int:
    return NONE if number is None else number
