"""Offer to answer: what each media section becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from meetings.relay.downtrack import DownTrack
from meetings.relay.participant.publications import Publications
from meetings.relay.participant.subscriptions import Subscriptions
from meetings.relay.sdp import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_CC,
    Codec,
    DataAnswer,
    MediaSection,
    Offer,
    SectionAnswer,
)
from meetings.relay.uptrack import UpTrack

# Echoed on every section, inactive ones too, or Chromium later refuses simulcast (relay.md, trap 1).
_EXTENSIONS: Final = (MID, RID, REPAIRED_RID, TRANSPORT_CC, AUDIO_LEVEL, ABS_SEND_TIME)
_VIDEO_UP: Final = ("transport-cc", "ccm fir", "nack", "nack pli")
_VIDEO_DOWN: Final = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
_AUDIO_UP: Final = ("transport-cc",)
_AUDIO_DOWN: Final = ("transport-cc",)


@dataclass(frozen=True)
class Negotiated:
    """The answer's sections, and the sid of the track that each sending section carries."""

    sections: list[SectionAnswer | DataAnswer]
    track_sids: Mapping[str, str]


def negotiate(
    offer: Offer, publications: Publications, subscriptions: Subscriptions, *, max_message: int, now: float
) -> Negotiated:
    """Binds tracks to the sections of an offer and says what to answer."""
    subscriptions.offered(offer.sections)
    answers: list[SectionAnswer | DataAnswer] = []
    track_sids: dict[str, str] = {}
    for section in offer.sections:
        if section.kind == "application":
            answers.append(DataAnswer(section.mid, section.protocol, max_message_size=max_message))
        elif section.kind not in ("audio", "video"):
            answers.append(_unused(section))
        elif section.sends:
            track = publications.bind(section)
            answers.append(_unused(section) if track is None else _receive(section, track))
        else:
            publications.unbind(section.mid)
            down = subscriptions.serve(section, now) if section.receives else None
            answers.append(_unused(section) if down is None else _send(section, down))
            if down is not None:
                track_sids[section.mid] = down.up.info.sid
    return Negotiated(answers, track_sids)


def _extensions(section: MediaSection) -> dict[str, int]:
    return {uri: number for uri, number in section.extensions.items() if uri in _EXTENSIONS}


def _unused(section: MediaSection) -> SectionAnswer:
    """Inactive, but kept: it may serve a later track."""
    codec = section.find_codec("opus" if section.kind == "audio" else "VP8")
    return SectionAnswer(
        mid=section.mid,
        kind=section.kind,
        protocol=section.protocol,
        direction="inactive",
        codec=codec or next(iter(section.codecs.values()), None),
        extensions=_extensions(section),
    )


def _receive(section: MediaSection, track: UpTrack) -> SectionAnswer:
    codec = track.codec
    return SectionAnswer(
        mid=section.mid,
        kind=section.kind,
        protocol=section.protocol,
        direction="recvonly",
        codec=codec,
        rtx=track.rtx if track.is_video else None,
        red=track.red,
        extensions=_extensions(section),
        feedback=_VIDEO_UP if track.is_video else _AUDIO_UP,
        fmtp=_fmtp(track, codec),
        rids=section.rids,
    )


def _fmtp(track: UpTrack, codec: Codec | None) -> str | None:
    """Opus pauses in silence (DTX) unless its publisher asked not to."""
    if track.is_video or codec is None or track.info.disable_dtx or "usedtx" in codec.fmtp:
        return None
    return ";".join(part for part in (codec.fmtp, "usedtx=1") if part)


def _send(section: MediaSection, down: DownTrack) -> SectionAnswer:
    up = down.up
    return SectionAnswer(
        mid=section.mid,
        kind=section.kind,
        protocol=section.protocol,
        direction="sendonly",
        codec=down.codec,
        rtx=down.rtx,
        red=down.red,
        extensions=_extensions(section),
        feedback=_offered(_VIDEO_DOWN if up.is_video else _AUDIO_DOWN, down.codec),
        msid=f"{up.publisher_sid}|{up.info.sid} {up.info.sid}",
        ssrc=down.ssrc,
        rtx_ssrc=down.rtx_ssrc if down.rtx is not None else None,
        cname=up.publisher_sid,
    )


def _offered(wanted: tuple[str, ...], codec: Codec | None) -> tuple[str, ...]:
    """The kinds of feedback that the client offered, too; one that offers none is asked for all of them."""
    offered = codec.feedback if codec is not None else ()
    return tuple(kind for kind in wanted if not offered or kind in offered)
