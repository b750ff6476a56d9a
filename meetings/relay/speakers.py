"""Who is speaking, from the audio levels that clients put on their packets (RFC 6464)."""

from dataclasses import dataclass

SILENCE = 127

# Speech into a headset lies around -20 to -35 dBov, a quiet room below -60.
_BEGINS_AT = 40
_STAYS_AT = 50

_ATTACK_S = 0.25  # a cough or a key press is shorter
_PAUSE_S = 0.15  # a stop between two syllables does not begin anew
_RELEASE_S = 1.0  # breathing between two sentences

_SMOOTHING = 0.1  # of 50 packets/s: about 0.2 s
_STEP_DB = 6  # smaller changes of level are not worth a message


@dataclass(frozen=True, slots=True)
class SpeakerChange:
    """`level` is linear, 0 to 1, as LiveKit's clients expect."""

    sid: str
    level: float
    active: bool


@dataclass(slots=True)
class _Voice:
    loud_since: float
    loud_at: float
    level: float = SILENCE
    active: bool = False
    told: tuple[bool, int] = (False, 0)


class ActiveSpeakers:
    """Follows the loudness of everyone in a room; a voice that begins stays for a second of silence."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self._silenced: set[str] = set()
        self._spoke: dict[str, float] = {}

    def heard(self, identity_sid: str, level_dbov: int, now: float) -> None:
        """One packet's level: 0 is loudest, 127 silent, as -dBov."""
        voice = self._voices.get(identity_sid)
        if level_dbov > (_STAYS_AT if voice is not None and voice.active else _BEGINS_AT):
            return
        if voice is None:
            voice = self._voices[identity_sid] = _Voice(now, now, level=level_dbov)
        elif now - voice.loud_at > _PAUSE_S and not voice.active:
            voice.loud_since, voice.level = now, level_dbov
        voice.loud_at = now
        voice.level += (level_dbov - voice.level) * _SMOOTHING
        if now - voice.loud_since >= _ATTACK_S:
            voice.active = True
            self._spoke[identity_sid] = now

    def update(self, now: float) -> list[SpeakerChange]:
        """What changed since the call before, loudest first."""
        changes: list[SpeakerChange] = []
        for sid, voice in list(self._voices.items()):
            if now - voice.loud_at > _RELEASE_S:
                del self._voices[sid]
                if voice.told[0]:
                    changes.append(SpeakerChange(sid, 0.0, active=False))
                continue
            state = (voice.active, round(voice.level / _STEP_DB))
            if voice.active and state != voice.told:
                voice.told = state
                changes.append(_described(sid, voice))
        again = {change.sid for change in changes}
        changes.extend(SpeakerChange(sid, 0.0, active=False) for sid in self._silenced - again)
        self._silenced.clear()
        return sorted(changes, key=lambda change: -change.level)

    def speaking(self) -> list[SpeakerChange]:
        """Everyone active now, loudest first: what a newcomer is told."""
        found = [_described(sid, voice) for sid, voice in self._voices.items() if voice.active]
        return sorted(found, key=lambda change: -change.level)

    def spoke_at(self, identity_sid: str) -> float:
        """When they were last heard speaking; -inf: not at all."""
        return self._spoke.get(identity_sid, float("-inf"))

    def silence(self, identity_sid: str) -> None:
        """They muted: the next update says that they stopped, without a pause for breath."""
        voice = self._voices.pop(identity_sid, None)
        if voice is not None and voice.told[0]:
            self._silenced.add(identity_sid)

    def forget(self, identity_sid: str) -> None:
        """They left; the next update is silent about them."""
        self._voices.pop(identity_sid, None)
        self._silenced.discard(identity_sid)
        self._spoke.pop(identity_sid, None)


def _described(sid: str, voice: _Voice) -> SpeakerChange:
    return SpeakerChange(sid, 10 ** (-voice.level / 20), active=True)
