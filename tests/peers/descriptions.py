"""Offers as LiveKit's clients write them, and what an answer says."""

from dataclasses import dataclass, field

from .transport import Remote

AUDIO, VIDEO = 111, 96
MID_EXTENSION, LEVEL_EXTENSION = 4, 1
EXTENSIONS = (
    (LEVEL_EXTENSION, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
    (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
    (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
    (MID_EXTENSION, "urn:ietf:params:rtp-hdrext:sdes:mid"),
)
_CODECS = {
    "audio": ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"],
    "video": [
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 nack",
        "a=rtcp-fb:96 nack pli",
        "a=rtcp-fb:96 goog-remb",
    ],
}


@dataclass
class Section:
    """One m= section; a sending one has a track id and an SSRC. `extensions`: (id, URI)."""

    kind: str
    direction: str = "recvonly"
    track: str = ""
    ssrc: int = 0
    extensions: tuple[tuple[int, str], ...] = EXTENSIONS


@dataclass
class Description:
    """What one client offers, growing as the relay asks for more sections."""

    sections: list[Section] = field(
        default_factory=lambda: (
            [Section(kind) for kind in ("audio",) * 3 + ("video",) * 3] + [Section("data")]
        )
    )
    version: int = 1

    def offer(self, ufrag: str, password: str, fingerprint: str) -> str:
        self.version += 1
        mids = " ".join(str(mid) for mid in range(len(self.sections)))
        lines = ["v=0", f"o=- 4611731400430051336 {self.version} IN IP4 127.0.0.1", "s=-", "t=0 0"]
        lines += [f"a=group:BUNDLE {mids}", "a=extmap-allow-mixed", "a=msid-semantic: WMS"]
        own = [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{password}", "a=ice-options:trickle"]
        own += [f"a=fingerprint:sha-256 {fingerprint}", "a=setup:actpass"]
        for mid, section in enumerate(self.sections):
            lines += [*_head(section), "c=IN IP4 0.0.0.0", *own, f"a=mid:{mid}", *_body(section)]
        return "\r\n".join(lines) + "\r\n"


def _head(section: Section) -> list[str]:
    if section.kind == "data":
        return ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel"]
    payload = AUDIO if section.kind == "audio" else VIDEO
    return [f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {payload}"]


def _body(section: Section) -> list[str]:
    if section.kind == "data":
        return ["a=sctp-port:5000", "a=max-message-size:262144"]
    lines = [f"a=extmap:{number} {uri}" for number, uri in section.extensions]
    lines += [f"a={section.direction}", "a=rtcp-mux", "a=rtcp-rsize", *_CODECS[section.kind]]
    if section.direction == "sendonly":
        lines += [f"a=msid:- {section.track}", f"a=ssrc:{section.ssrc} cname:light"]
    return lines


def read_answer(sdp: str) -> Remote:
    """Where and how to reach the relay."""
    found: dict[str, str] = {}
    for line in sdp.splitlines():
        name, _, value = line.removeprefix("a=").partition(":")
        if value and name not in found:
            found[name] = value
    words = found["candidate"].split()
    algorithm, _, digest = found["fingerprint"].partition(" ")
    return Remote((words[4], int(words[5])), found["ice-ufrag"], found["ice-pwd"], (algorithm, digest))
