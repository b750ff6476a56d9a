"""The library's C interface, loaded with cffi's ABI mode: no compiler needed, each call gives the GIL back.

The structures mirror src/abi/records.rs and src/counters.rs; `plane_layout` guards the mirror.
"""

import socket
from pathlib import Path
from typing import Any, Final

from cffi import FFI
from pylibsrtp import _binding as srtp

from meetings.relay.interface import Address, SrtpSession

ffi: Final = FFI()
ffi.cdef("""
typedef struct plane plane;
typedef struct { uint8_t ip[16]; uint16_t family, port; } plane_address;
typedef struct { void *protect, *unprotect, *protect_rtcp, *unprotect_rtcp, *remove_stream; } plane_functions;
typedef struct {
    uint32_t transport, ssrc, track, clock_rate, voices;
    int16_t red_payload_type, level_extension;
    uint8_t quality, payload_type, codec[14];
} plane_stream;
typedef struct {
    uint32_t number, transport, track, ssrc, clock_rate, rtx_ssrc;
    int16_t red_payload_type, rtx_payload_type, mid_extension, send_time_extension, congestion_extension;
    uint8_t payload_type, mid_length, mid[16];
} plane_subscription;
typedef struct {
    uint64_t packets, octets, media_at;
    int64_t lost;
    uint64_t keyframes, level_at, nacks_sent, repaired, clock_ntp, clock_at;
    double fraction_lost, jitter;
    uint32_t clock_rtp_timestamp;
    uint8_t level, audible;
} plane_stream_report_record;
typedef struct {
    uint64_t packets, octets, switches, nacked, retransmitted;
    uint32_t current_ssrc;
    uint8_t is_forwarding, waiting_keyframe;
} plane_subscription_report_record;
typedef struct {
    uint64_t sent_packets, sent_octets, received_packets, received_octets, send_dropped;
} plane_transport_report_record;
typedef struct {
    uint64_t received, receive_calls, receive_failed, truncated, unknown, strangers, strangers_limited,
        peers_limited, unprotect_failed, malformed, padding_dropped, duplicates_dropped, late_dropped,
        muted_dropped, payload_type_dropped, early_dropped, stash_full, unknown_ssrc, forwarded,
        forwarded_octets, protect_failed, send_calls, send_failed, segmentation_refused, rtcp_sent,
        retransmitted, retransmissions_refused, commands, declarations_refused, events_lost,
        strangers_lost, taps_lost, cpu_us,
        transports, addresses, streams, tracks, subscriptions, cached_octets;
} plane_counters_record;

uint64_t plane_layout(void);
plane *plane_new(int fd_v4, int fd_v6, const plane_functions *, int segmentation, uint32_t voices);
void plane_free(plane *);
int plane_event_fd(const plane *);
int plane_state(const plane *);
size_t plane_failure(const plane *, char *out, size_t capacity);
uint64_t plane_counters(const plane *, plane_counters_record *out);
void plane_clear(const plane *);
size_t plane_read(const plane *, uint32_t which, char *out, size_t capacity);
int plane_open(const plane *, uint32_t transport);
int plane_close(const plane *, uint32_t transport);
int plane_secure(const plane *, uint32_t transport, void *receiving, void *sending);
int plane_accept(const plane *, uint32_t transport, const plane_address *);
int plane_release(const plane *, const plane_address *);
int plane_route(const plane *, uint32_t transport, const plane_address *, const plane_address *source);
int plane_watch_congestion(const plane *, uint32_t transport, uint8_t extension);
int plane_send_rtcp(const plane *, uint32_t transport, const char *packet, size_t length);
int plane_probe(const plane *, uint32_t transport, uint64_t bitrate, uint64_t duration);
int plane_add_stream(const plane *, const plane_stream *);
int plane_add_repair(
    const plane *, uint32_t transport, uint32_t rtx_ssrc, uint32_t ssrc, uint8_t payload_type);
int plane_remove_stream(const plane *, uint32_t transport, uint32_t ssrc);
int plane_mute(const plane *, uint32_t track, int muted);
int plane_request_keyframe(const plane *, uint32_t transport, uint32_t ssrc);
int plane_tap(const plane *, uint32_t track, int tapped);
int plane_subscribe(const plane *, const plane_subscription *);
int plane_steer(const plane *, uint32_t number, int forwarding, uint32_t ssrc);
int plane_unsubscribe(const plane *, uint32_t number);
int plane_provoke_panic(const plane *);
int plane_stream_report(const plane *, uint32_t transport, uint32_t ssrc, plane_stream_report_record *out);
int plane_subscription_report(const plane *, uint32_t number, plane_subscription_report_record *out);
int plane_transport_report(const plane *, uint32_t transport, plane_transport_report_record *out);
""")

RING_FULL: Final = -1
INVALID: Final = -2
RUNNING: Final = 0
NONE: Final = -1  # for a number that is not there

_MIRRORED: Final = (
    "plane_address",
    "plane_functions",
    "plane_stream",
    "plane_subscription",
    "plane_stream_report_record",
    "plane_subscription_report_record",
    "plane_transport_report_record",
    "plane_counters_record",
)
_COUNTED: Final = tuple(name for name, _ in ffi.typeof("plane_counters_record").fields)
# The last ones of the counters tell how much there is, not how much there was.
SIZES: Final = _COUNTED[_COUNTED.index("transports") :]
COUNTERS: Final = _COUNTED[: -len(SIZES)]


def load(library: Path) -> Any:
    """Raises OSError where it cannot be loaded, or is of other sources than this file."""
    lib = ffi.dlopen(str(library))
    layout = 0
    for name in _MIRRORED:
        layout = (layout * 1_000 + ffi.sizeof(name)) & (1 << 64) - 1
    if lib.plane_layout() != layout:
        raise OSError(f"{library} was built from other sources")
    return lib


def packed(of: Address | None) -> Any:
    """The address as the library takes it; None stands for no address."""
    if of is None:
        return ffi.new("plane_address *")
    family = socket.AF_INET6 if ":" in of[0] else socket.AF_INET
    packed = socket.inet_pton(family, of[0])
    return ffi.new("plane_address *", (packed.ljust(16, b"\0"), 6 if len(packed) == 16 else 4, of[1]))


def srtp_functions() -> Any:
    """libsrtp's, by pointer, from the binding that also made the sessions: its headers are not needed."""
    names = ("protect", "unprotect", "protect_rtcp", "unprotect_rtcp", "remove_stream")
    functions = [_carried(srtp.ffi.addressof(srtp.lib, f"srtp_{name}")) for name in names]
    return ffi.new("plane_functions *", functions)


def session_pointer(session: SrtpSession) -> Any:
    """The libsrtp session inside one of pylibsrtp's, which frees it when it is collected itself."""
    return _carried(session._srtp[0])  # type: ignore[attr-defined]


def _carried(pointer: Any) -> Any:
    """A pointer of pylibsrtp's FFI in ours."""
    return ffi.cast("void *", int(srtp.ffi.cast("uintptr_t", pointer)))
