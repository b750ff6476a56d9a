"""Reading an offer (RFC 8866, RFC 8829), tolerant of what it does not know and strict in its limits."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from meetings.relay.errors import MalformedDescription
from meetings.relay.sdp.model import Codec, MediaSection, Offer

MAX_TEXT = 2 * 1024 * 1024  # 300 sections; Chromium writes up to 6 KB for a video section
MAX_SECTIONS = 300
MAX_LINE = 8 * 1024
MAX_ATTRIBUTES = 1000
MAX_RIDS = 8  # LiveKit's clients send three

_DIRECTIONS = frozenset(("sendrecv", "sendonly", "recvonly", "inactive"))
_TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,64}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(slots=True)
class _Draft:
    """A section while it is read, or the session's own attributes."""

    kind: str = "session"
    port: int = 0
    protocol: str = ""
    formats: list[str] = field(default_factory=list)
    mid: str = ""
    direction: str = "sendrecv"
    rtpmaps: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    fmtps: dict[int, str] = field(default_factory=dict)
    feedback: dict[int, list[str]] = field(default_factory=dict)
    feedback_for_all: list[str] = field(default_factory=list)
    extensions: dict[str, int] = field(default_factory=dict)
    rids: list[str] = field(default_factory=list)
    ssrcs: dict[int, None] = field(default_factory=dict)
    retransmissions: dict[int, int] = field(default_factory=dict)
    msid: str = ""
    ice_ufrag: str = ""
    ice_pwd: str = ""
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    setup: str = ""
    sctp_port: int | None = None
    bundle: tuple[str, ...] = ()
    attributes: int = 0


def parse_offer(text: str) -> Offer:
    """Read a client's offer; raises MalformedDescription for whatever cannot be one."""
    if len(text) > MAX_TEXT:
        raise MalformedDescription("description is too long")
    session = _Draft()
    drafts: list[_Draft] = []
    lines = text.split("\n")
    if not lines[0].startswith("v=0"):
        raise MalformedDescription("description does not start with v=0")
    for raw in lines:
        line = raw.removesuffix("\r")
        if len(line) > MAX_LINE or _CONTROL.search(line):
            raise MalformedDescription("description has an overlong or binary line")
        if line.startswith("m="):
            drafts.append(_begin_section(line[2:]))
            if len(drafts) > MAX_SECTIONS:
                raise MalformedDescription("description has too many sections")
        elif line.startswith("a="):
            _read_attribute(drafts[-1] if drafts else session, line[2:])
    return _finish(session, drafts)


def _begin_section(line: str) -> _Draft:
    words = line.split()
    if len(words) < 3 or not all(_TOKEN.fullmatch(word) for word in (words[0], *words[2].split("/"))):
        raise MalformedDescription("unreadable media line")
    port = _number(words[1].partition("/")[0], 0xFFFF)
    return _Draft(kind=words[0], port=port, protocol=words[2], formats=words[3:])


def _read_attribute(draft: _Draft, text: str) -> None:
    draft.attributes += 1
    if draft.attributes > MAX_ATTRIBUTES:
        raise MalformedDescription("section has too many attributes")
    name, _, value = text.partition(":")
    if name in _DIRECTIONS:
        draft.direction = name
    elif reader := _ATTRIBUTES.get(name):
        reader(draft, value.strip())


def _number(text: str, most: int) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise MalformedDescription("number out of range")
    return int(text)


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise MalformedDescription("unreadable token")
    return text


def _words(text: str, least: int) -> list[str]:
    words = text.split()
    if len(words) < least:
        raise MalformedDescription("attribute is cut short")
    return words


def _read_rtpmap(draft: _Draft, value: str) -> None:
    payload_type, encoding = _words(value, 2)[:2]
    name, _, rest = encoding.partition("/")
    clock, _, channels = rest.partition("/")
    draft.rtpmaps[_number(payload_type, 127)] = (
        _token(name),
        _number(clock, 0xFFFFFFFF),
        _number(channels, 255) if channels else 1,
    )


def _read_fmtp(draft: _Draft, value: str) -> None:
    payload_type, _, parameters = value.partition(" ")
    draft.fmtps[_number(payload_type, 127)] = parameters.strip()


def _read_feedback(draft: _Draft, value: str) -> None:
    payload_type, _, feedback = value.partition(" ")
    if payload_type == "*":
        draft.feedback_for_all.append(feedback.strip())
    else:
        draft.feedback.setdefault(_number(payload_type, 127), []).append(feedback.strip())


def _read_extension(draft: _Draft, value: str) -> None:
    identifier, uri = _words(value, 2)[:2]
    number = _number(identifier.partition("/")[0], 4095)
    if 1 <= number <= 255:  # larger ones are provisional (RFC 8285 section 6)
        draft.extensions[uri] = number


def _read_rid(draft: _Draft, value: str) -> None:
    rid, direction = _words(value, 2)[:2]
    if direction == "send" and rid not in draft.rids:
        draft.rids.append(_token(rid))
    if len(draft.rids) > MAX_RIDS:
        raise MalformedDescription("section has too many layers")


def _read_ssrc(draft: _Draft, value: str) -> None:
    draft.ssrcs[_number(_words(value, 1)[0], 0xFFFFFFFF)] = None


def _read_ssrc_group(draft: _Draft, value: str) -> None:
    semantics, *members = _words(value, 1)
    if semantics == "FID" and len(members) == 2:
        draft.retransmissions[_number(members[0], 0xFFFFFFFF)] = _number(members[1], 0xFFFFFFFF)


def _read_fingerprint(draft: _Draft, value: str) -> None:
    algorithm, digest = _words(value, 2)[:2]
    draft.fingerprints.append((algorithm.lower(), digest.upper()))


def _read_group(draft: _Draft, value: str) -> None:
    semantics, *mids = _words(value, 1)
    if semantics == "BUNDLE":
        draft.bundle = tuple(mids)


def _read_mid(draft: _Draft, value: str) -> None:
    draft.mid = _token(value)


def _read_msid(draft: _Draft, value: str) -> None:
    draft.msid = value


def _read_ufrag(draft: _Draft, value: str) -> None:
    draft.ice_ufrag = value


def _read_password(draft: _Draft, value: str) -> None:
    draft.ice_pwd = value


def _read_setup(draft: _Draft, value: str) -> None:
    draft.setup = value


def _read_sctp_port(draft: _Draft, value: str) -> None:
    draft.sctp_port = _number(value, 0xFFFF)


_ATTRIBUTES: dict[str, Callable[[_Draft, str], None]] = {
    "extmap": _read_extension,
    "fingerprint": _read_fingerprint,
    "fmtp": _read_fmtp,
    "group": _read_group,
    "ice-pwd": _read_password,
    "ice-ufrag": _read_ufrag,
    "mid": _read_mid,
    "msid": _read_msid,
    "rid": _read_rid,
    "rtcp-fb": _read_feedback,
    "rtpmap": _read_rtpmap,
    "sctp-port": _read_sctp_port,
    "setup": _read_setup,
    "ssrc": _read_ssrc,
    "ssrc-group": _read_ssrc_group,
}


def _finish(session: _Draft, drafts: list[_Draft]) -> Offer:
    mids = [draft.mid for draft in drafts]
    if not drafts or not all(mids) or len(set(mids)) != len(mids):
        raise MalformedDescription("every section needs a mid of its own")
    return Offer(tuple(_section(session, draft) for draft in drafts), session.bundle)


def _section(session: _Draft, draft: _Draft) -> MediaSection:
    return MediaSection(
        kind=draft.kind,
        mid=draft.mid,
        protocol=draft.protocol,
        port=draft.port,
        direction=draft.direction,
        codecs=_codecs(draft),
        extensions=draft.extensions,
        rids=tuple(draft.rids),
        ssrcs=tuple(draft.ssrcs),
        retransmissions=draft.retransmissions,
        msid=draft.msid,
        ice_ufrag=draft.ice_ufrag or session.ice_ufrag,
        ice_pwd=draft.ice_pwd or session.ice_pwd,
        fingerprints=tuple(draft.fingerprints or session.fingerprints),
        setup=draft.setup or session.setup,
        sctp_port=draft.sctp_port,
    )


def _codecs(draft: _Draft) -> dict[int, Codec]:
    """In the order of the media line; payload types without an rtpmap are of no use here."""
    codecs: dict[int, Codec] = {}
    if draft.kind not in ("audio", "video"):
        return codecs
    for number in (_number(text, 127) for text in draft.formats):
        if number in draft.rtpmaps:
            feedback = (*draft.feedback.get(number, ()), *draft.feedback_for_all)
            codecs[number] = Codec(number, *draft.rtpmaps[number], draft.fmtps.get(number, ""), feedback)
    return codecs
