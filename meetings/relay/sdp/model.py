"""What the relay knows of an offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type: `name/clock_rate/channels`, its parameters and the RTCP feedback offered for it."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""
    feedback: tuple[str, ...] = ()

    def mime(self, kind: str) -> str:
        """For example "video/VP8"."""
        return f"{kind}/{self.name}"

    @property
    def rtpmap(self) -> str:
        """For example "opus/48000/2"."""
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return f"{self.name}/{self.clock_rate}{channels}"

    @property
    def parameters(self) -> Mapping[str, str]:
        """The format parameters as names, in lower case, and values."""
        pairs = (part.strip().partition("=") for part in self.fmtp.split(";"))
        return {name.lower(): value for name, _, value in pairs if name}


@dataclass(frozen=True, slots=True)
class MediaSection:
    """One m= section. `codecs` by payload type, in the order of preference; `extensions` by URI.

    `rids` are those the client sends, `ssrcs` in order of appearance, `retransmissions` maps a media SSRC
    to its RTX SSRC (RFC 5576 FID groups). ICE, DTLS and setup fall back to the session's own lines.
    """

    kind: str
    mid: str
    protocol: str
    port: int
    direction: str = "sendrecv"
    codecs: Mapping[int, Codec] = field(default_factory=dict)
    extensions: Mapping[str, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()
    ssrcs: tuple[int, ...] = ()
    retransmissions: Mapping[int, int] = field(default_factory=dict)
    msid: str = ""
    ice_ufrag: str = ""
    ice_pwd: str = ""
    fingerprints: tuple[tuple[str, str], ...] = ()
    setup: str = ""
    sctp_port: int | None = None

    @property
    def sends(self) -> bool:
        """True when the client offers to send media here."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """True when the client offers to receive media here."""
        return self.direction in ("sendrecv", "recvonly")

    def find_codec(self, name: str, *, h264_profile: str = "42e01f") -> Codec | None:
        """The client's first codec of that name; of H264 one that can be forwarded to every browser.

        That is constrained baseline in packetization mode 1, or at least mode 1 (RFC 6184 section 8.1).
        """
        named = [codec for codec in self.codecs.values() if codec.name.lower() == name.lower()]
        if name.lower() != "h264":
            return named[0] if named else None
        fragmented = [codec for codec in named if codec.parameters.get("packetization-mode") == "1"]
        for codec in fragmented:
            if codec.parameters.get("profile-level-id", "").lower() == h264_profile:
                return codec
        return next(iter(fragmented + named), None)

    def find_rtx(self, codec: Codec) -> Codec | None:
        """The retransmission payload type that belongs to `codec` (RFC 4588 section 8.6)."""
        wanted = str(codec.payload_type)
        for candidate in self.codecs.values():
            if candidate.name.lower() == "rtx" and candidate.parameters.get("apt") == wanted:
                return candidate
        return None


@dataclass(frozen=True, slots=True)
class Offer:
    """A client's offer; `bundle` holds the mids it groups on one transport."""

    sections: tuple[MediaSection, ...]
    bundle: tuple[str, ...] = ()
