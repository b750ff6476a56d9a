"""Telling everyone who speaks, and how well everyone is connected."""

from collections.abc import Collection, Iterable

from livekit.protocol.models import SpeakerInfo
from livekit.protocol.rtc import (
    ConnectionQualityInfo,
    ConnectionQualityUpdate,
    SignalResponse,
    SpeakersChanged,
)

from meetings.relay.participant import Participant
from meetings.relay.speakers import ActiveSpeakers, SpeakerChange


class Announcer:
    """Tells changes only."""

    def __init__(self) -> None:
        self._speakers = ActiveSpeakers()
        self._qualities: dict[str, ConnectionQualityInfo] = {}

    def heard(self, sid: str, level: int, now: float) -> None:
        """One packet's loudness (RFC 6464: 0 loudest, 127 silent)."""
        self._speakers.heard(sid, level, now)

    def spoke_at(self, sid: str) -> float:
        """When they were last heard speaking (monotonic seconds); -inf: not at all."""
        return self._speakers.spoke_at(sid)

    def silenced(self, sid: str) -> None:
        """They muted."""
        self._speakers.silence(sid)

    def left(self, sid: str) -> None:
        self._speakers.forget(sid)
        self._qualities.pop(sid, None)

    def welcome(self, person: Participant) -> None:
        """Tells a newcomer who is speaking, and how well the others are connected."""
        speaking = self._speakers.speaking()
        if speaking:
            person.send(_described(speaking))
        if self._qualities:
            person.send(_rated(self._qualities.values()))

    def speakers(self, people: Collection[Participant], now: float) -> None:
        """Tells `people` who began and who stopped speaking."""
        changes = self._speakers.update(now)
        if changes:
            _tell(people, _described(changes))

    def qualities(self, people: Collection[Participant]) -> None:
        """Tells `people` whose connection got better or worse."""
        updates = [person.quality() for person in people if not person.hidden]
        changed = [update for update in updates if self._is_news(update)]
        self._qualities.update({update.participant_sid: update for update in changed})
        if changed:
            _tell(people, _rated(changed))

    def _is_news(self, update: ConnectionQualityInfo) -> bool:
        known = self._qualities.get(update.participant_sid)
        return known is None or known.quality != update.quality


def _described(changes: Iterable[SpeakerChange]) -> SignalResponse:
    speakers = [SpeakerInfo(sid=change.sid, level=change.level, active=change.active) for change in changes]
    return SignalResponse(speakers_changed=SpeakersChanged(speakers=speakers))


def _rated(updates: Iterable[ConnectionQualityInfo]) -> SignalResponse:
    return SignalResponse(connection_quality=ConnectionQualityUpdate(updates=updates))


def _tell(people: Iterable[Participant], message: SignalResponse) -> None:
    data = message.SerializeToString()
    for person in people:
        person.send_packed(data)
