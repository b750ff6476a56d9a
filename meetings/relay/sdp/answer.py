"""Writing an answer of an ICE-lite agent with everything on one transport (RFC 8829, RFC 9143)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from meetings.relay.sdp.model import Codec


@dataclass(frozen=True, slots=True)
class SectionAnswer:
    """What the relay says to one audio or video section; `direction` as the relay sees it.

    `rtx` repeats lost packets of `codec`, `red` carries it redundantly.
    `codec` None rejects the section for good: an unused section that may serve later is "inactive" with a
    codec. `extensions` must be given on inactive sections, too, for libwebrtc offers later only what the
    first answer accepted. `feedback` and `fmtp` belong to `codec`; `fmtp` None takes the codec's own.
    `rids` are those to receive, `msid` is "stream track", `ssrc`, `rtx_ssrc` and `cname` what is sent.
    """

    mid: str
    kind: str
    protocol: str
    direction: str
    codec: Codec | None
    rtx: Codec | None = None
    red: Codec | None = None
    extensions: Mapping[str, int] = field(default_factory=dict)
    feedback: tuple[str, ...] = ()
    fmtp: str | None = None
    rids: tuple[str, ...] = ()
    msid: str | None = None
    ssrc: int | None = None
    rtx_ssrc: int | None = None
    cname: str = ""


@dataclass(frozen=True, slots=True)
class DataAnswer:
    """The section of the data channels (RFC 8841)."""

    mid: str
    protocol: str = "UDP/DTLS/SCTP"
    sctp_port: int = 5000
    max_message_size: int = 262_144


def write_answer(
    *,
    session_id: int,
    version: int,
    ufrag: str,
    pwd: str,
    fingerprint: tuple[str, str],
    candidates: Sequence[str],
    sections: Sequence[SectionAnswer | DataAnswer],
) -> str:
    """The answer's text, sections in the order of the offer.

    `version` grows with every answer of a session; `fingerprint` is (algorithm, digest), `candidates` are
    lines that begin with "candidate:".
    """
    accepted = [section for section in sections if isinstance(section, DataAnswer) or section.codec]
    transport = [
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{pwd}",
        f"a=fingerprint:{fingerprint[0]} {fingerprint[1]}",
        "a=setup:active",
    ]
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        " ".join(["a=group:BUNDLE", *(section.mid for section in accepted)]),
        "a=msid-semantic: WMS *",
    ]
    for section in sections:
        lines += _data_lines(section) if isinstance(section, DataAnswer) else _media_lines(section)
        lines += transport
        if accepted and section is accepted[0]:
            lines += [f"a={candidate}" for candidate in candidates] + ["a=end-of-candidates"]
    return "\r\n".join(lines) + "\r\n"


def _data_lines(section: DataAnswer) -> Iterator[str]:
    yield f"m=application 9 {section.protocol} webrtc-datachannel"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{section.mid}"
    yield f"a=sctp-port:{section.sctp_port}"
    yield f"a=max-message-size:{section.max_message_size}"


def _media_lines(section: SectionAnswer) -> Iterator[str]:
    codec = section.codec
    if codec is None:
        yield f"m={section.kind} 0 {section.protocol} 0"
        yield "c=IN IP4 0.0.0.0"
        yield f"a=mid:{section.mid}"
        yield "a=inactive"
        return
    # Redundant audio goes first: a client sends the first format that both know.
    formats = [str(known.payload_type) for known in (section.red, codec, section.rtx) if known]
    yield f"m={section.kind} 9 {section.protocol} {' '.join(formats)}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{section.mid}"
    yield "a=rtcp-mux"
    yield "a=rtcp-rsize"
    yield f"a={section.direction}"
    for uri, identifier in section.extensions.items():
        yield f"a=extmap:{identifier} {uri}"
    yield from _codec_lines(codec, codec.fmtp if section.fmtp is None else section.fmtp, section.feedback)
    for further in (section.rtx, section.red):
        if further:
            yield from _codec_lines(further, further.fmtp, ())
    yield from _receive_lines(section) if section.direction == "recvonly" else _send_lines(section)


def _codec_lines(codec: Codec, fmtp: str, feedback: Sequence[str]) -> Iterator[str]:
    yield f"a=rtpmap:{codec.payload_type} {codec.rtpmap}"
    if fmtp:
        yield f"a=fmtp:{codec.payload_type} {fmtp}"
    for kind in feedback:
        yield f"a=rtcp-fb:{codec.payload_type} {kind}"


def _receive_lines(section: SectionAnswer) -> Iterator[str]:
    for rid in section.rids:
        yield f"a=rid:{rid} recv"
    if section.rids:
        yield f"a=simulcast:recv {';'.join(section.rids)}"


def _send_lines(section: SectionAnswer) -> Iterator[str]:
    if section.msid is not None:
        yield f"a=msid:{section.msid}"
    if section.ssrc is None:
        return
    yield f"a=ssrc:{section.ssrc} cname:{section.cname}"
    if section.rtx_ssrc is not None:
        yield f"a=ssrc:{section.rtx_ssrc} cname:{section.cname}"
        yield f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}"
