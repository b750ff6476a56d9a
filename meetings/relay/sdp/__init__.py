"""Session descriptions: the relay reads offers and writes answers, never the other way round.

Own code because `aiortc.sdp` leaves out what simulcast needs: rid, simulcast and header extensions of
sections without media.
"""

from meetings.relay.sdp.answer import DataAnswer, SectionAnswer, write_answer
from meetings.relay.sdp.model import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_CC,
    Codec,
    MediaSection,
    Offer,
)
from meetings.relay.sdp.offer import parse_offer

__all__ = [
    "ABS_SEND_TIME",
    "AUDIO_LEVEL",
    "MID",
    "REPAIRED_RID",
    "RID",
    "TRANSPORT_CC",
    "Codec",
    "DataAnswer",
    "MediaSection",
    "Offer",
    "SectionAnswer",
    "parse_offer",
    "write_answer",
]
