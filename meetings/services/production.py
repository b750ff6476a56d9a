"""The playable files of one recording: what can be made of its logs is made, the rest is counted.

One person's broken or unusual track must not cost the others their recording: what cannot be copied into
WebM is left out, and stays in its record log.
"""

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from meetings.errors import JobStopped
from meetings.models import MediaContent, MediaFile, Recording
from meetings.recording.errors import EmptyRecording, RecordLogError
from meetings.recording.log import TrackHeader, read_log
from meetings.recording.mix import mix_sound
from meetings.recording.timeline import Timeline
from meetings.recording.webm import MediaInfo, remux_participant
from meetings.services import passing
from meetings.services.outbox import Lease

log = logging.getLogger("visio.processing")

# What WebM holds without being encoded again.
_PLAYABLE = {"audio/opus", "video/vp8", "video/vp9"}

Progress = Callable[[float], None]


@dataclass(frozen=True)
class TrackLog:
    """One readable record log."""

    path: Path
    header: TrackHeader
    ended_wall_ns: int

    @property
    def mime(self) -> str:
        return self.header.mime.lower()


@dataclass(frozen=True)
class _Show:
    """What one file is to show: whose, and their camera or their screen."""

    identity: str
    content: MediaContent


_EVERYBODY = _Show("", MediaContent.MIX)


class Production:
    """Making the files of one recording, with progress over all of them.

    ``left_out``: logs that are missing from a file they belong into.
    """

    def __init__(
        self, recording: Recording, key: bytes, timeline: Timeline, lease: Lease, folder: Path
    ) -> None:
        self._recording, self._key, self._timeline, self._lease = recording, key, timeline, lease
        self._folder = folder
        self.left_out: set[Path] = set()

    def files(self, tracks: Sequence[TrackLog]) -> list[MediaFile]:
        """One file for each person's camera and microphone, for each shared screen, and for all sound.

        Raises OSError, and JobStopped where the lease says so.
        """
        shows = _by_show(self._copyable(tracks))
        steps = len(shows) + 1
        made = [
            self._show(show, own, self._progress("remuxing", index, steps))
            for index, (show, own) in enumerate(shows.items())
        ]
        sounds = [track for own in shows.values() for track in own if track.header.kind == "audio"]
        if sounds and any(made):
            made.append(self._mix(sounds, self._progress("mixing", len(shows), steps)))
        return [file for file in made if file is not None]

    def _copyable(self, tracks: Sequence[TrackLog]) -> list[TrackLog]:
        """Tracks of codecs that WebM holds; of one source, which gets one track there, those of one codec."""
        codecs: dict[tuple[str, str], str] = {}
        found = []
        for track in tracks:
            source = (track.header.participant_identity, track.header.source)
            if track.mime in _PLAYABLE and codecs.setdefault(source, track.mime) == track.mime:
                found.append(track)
            else:
                log.warning("%s (%s) cannot be made playable", track.path.name, track.header.mime)
                self.left_out.add(track.path)
        return found

    def _show(self, show: _Show, tracks: Sequence[TrackLog], progress: Progress) -> MediaFile | None:
        out = self._folder / f"{show.identity}-{show.content.value}.webm"

        def make(paths: Sequence[Path]) -> MediaInfo:
            return remux_participant(paths, self._key, self._timeline, out, progress)

        info = self._made(tracks, make)
        return self._row(out, info, show, tracks[0].header.participant_name) if info else None

    def _mix(self, sounds: Sequence[TrackLog], progress: Progress) -> MediaFile | None:
        out = self._folder / "mix.webm"

        def make(paths: Sequence[Path]) -> MediaInfo:
            return mix_sound(paths, self._key, self._timeline, out, progress)

        info = self._made(sounds, make)
        return self._row(out, info, _EVERYBODY, "") if info else None

    def _made(
        self, tracks: Sequence[TrackLog], make: Callable[[Sequence[Path]], MediaInfo]
    ) -> MediaInfo | None:
        """The file, without damaged logs; None where nothing is left of it.

        Whatever else goes wrong is tried again with the job, and given up for this file at its last attempt.
        """
        try:
            return make([track.path for track in tracks])
        except EmptyRecording:
            return None
        except JobStopped:
            raise
        except Exception as error:
            if passing.passes(error):
                raise
            intact = [track for track in tracks if self._intact(track)]
            if len(intact) == len(tracks) and not self._lease.last_attempt:
                raise
            if 0 < len(intact) < len(tracks):
                self.left_out |= {track.path for track in tracks if track not in intact}
                return self._made(intact, make)
            log.error("no file can be made of %s: %s", [track.path.name for track in tracks], error)
            self.left_out |= {track.path for track in tracks}
            return None

    def _intact(self, track: TrackLog) -> bool:
        try:
            deque(read_log(track.path, self._key).records, maxlen=0)
        except RecordLogError as error:
            log.error("record log %s is damaged: %s", track.path, error)
            return False
        return True

    def _row(self, out: Path, info: MediaInfo, show: _Show, name: str) -> MediaFile:
        return MediaFile(
            ministry_id=self._recording.ministry_id,
            recording=self._recording,
            content=show.content,
            identity=show.identity,
            name=name,
            path=str(out.relative_to(settings.RECORDINGS_DIR)),
            has_video=info.has_video,
            duration=info.duration,
            bytes=info.size_bytes,
        )

    def _progress(self, stage: str, done: int, steps: int) -> Progress:
        return lambda fraction: self._lease.progress(stage, (done + fraction) / steps)


def _by_show(tracks: Sequence[TrackLog]) -> dict[_Show, list[TrackLog]]:
    """Logs that belong into one file: a player shows only one picture and plays one sound of a file."""
    shows: dict[_Show, list[TrackLog]] = defaultdict(list)
    for track in tracks:
        screen = track.header.source.startswith("screen")
        content = MediaContent.SCREEN if screen else MediaContent.PERSON
        shows[_Show(track.header.participant_identity, content)].append(track)
    return shows
