"""One track being recorded: a tap of its packets, and what LiveKit calls an egress."""

import secrets
from collections.abc import Callable
from typing import Final

from livekit.protocol.egress import DirectFileOutput, EgressInfo, EgressStatus, FileInfo, TrackEgressRequest
from livekit.protocol.models import TrackSource

from meetings.recording.log import RecordLogWriter, TrackHeader
from meetings.relay.codecs import is_keyframe_start, parse_vp8
from meetings.relay.downtrack import DownTrack
from meetings.relay.interface import Clock, RtpHeader
from meetings.relay.recorder.writing import LogFile, Outcome, WriterThread
from meetings.relay.red import primary_block
from meetings.relay.rewriting import Rewriter
from meetings.relay.uptrack import Layer, UpTrack

# Records kept while the key is on its way and the file not yet opened: some seconds of video.
_BACKLOG: Final = 4_000
# Seeking in the finished file lands on keyframes.
KEYFRAME_INTERVAL: Final = 3.0
# Clients report every half second to five; whoever reports a thousand times a second gains nothing by it.
_CLOCK_INTERVAL: Final = 0.4

Work = Callable[[RecordLogWriter], None]


class TrackEgress:
    """Records one track, highest layer, in one log. `plane.PacketTap`.

    Layer switches are hidden by a Rewriter, so the log holds one continuous RTP stream.
    `request_keyframe(ssrc)` asks the publisher for one.
    """

    def __init__(
        self,
        up: UpTrack,
        *,
        room: str,
        room_sid: str,
        prefix: str,
        clock: Clock,
        request_keyframe: Callable[[int], None],
    ) -> None:
        self.up = up
        self.prefix = prefix
        self.dropped = 0
        self.info = EgressInfo(
            egress_id=f"EG_{secrets.token_hex(6)}",
            room_id=room_sid,
            room_name=room,
            status=EgressStatus.EGRESS_STARTING,
            started_at=clock.wall_ns(),
            updated_at=clock.wall_ns(),
            track=TrackEgressRequest(
                room_name=room, track_id=up.info.sid, file=DirectFileOutput(filepath=prefix)
            ),
        )
        self._clock = clock
        self._request_keyframe = request_keyframe
        self._down = DownTrack(up, transport=-1, number=0)
        self._down.ready = True
        self._rewriter = Rewriter(ssrc=secrets.randbits(31) | 1, first_sequence=secrets.randbits(15))
        self._current: Layer | None = None
        self._timed_at = float("-inf")
        self._file: LogFile | None = None
        self._writer: WriterThread | None = None
        self._backlog: list[Work] = []
        self._keyframe_at = clock.monotonic()
        self.ended = False

    @property
    def active(self) -> bool:
        return self.info.status in (EgressStatus.EGRESS_STARTING, EgressStatus.EGRESS_ACTIVE)

    @property
    def broken(self) -> bool:
        """True once the disk refused something; what follows would be lost."""
        return self._file is not None and bool(self._file.error)

    def header(self) -> TrackHeader:
        codec = self.up.codec
        return TrackHeader(
            room=self.info.room_name,
            participant_identity=self.up.publisher,
            participant_name=self.up.publisher_name,
            track_sid=self.up.info.sid,
            kind="video" if self.up.is_video else "audio",
            mime=self.up.info.mime_type,
            clock_rate=self.up.clock_rate,
            channels=codec.channels if codec else 1,
            source=TrackSource.Name(self.up.info.source).lower(),
            started_wall_ns=self.info.started_at,
        )

    # plane.PacketTap

    def packet(self, ssrc: int, header: RtpHeader, packet: bytes, now: float) -> None:
        layer = next((layer for layer in self.up.layers.values() if layer.ssrc == ssrc), None)
        codec = self.up.codec
        if layer is None or codec is None:
            return
        payload = packet[header.payload_offset : len(packet) - header.padding]
        if header.payload_type != codec.payload_type:
            block = primary_block(payload)
            payload = block[1] if block else b""
        switching = layer is not self._current
        if not payload or (switching and not self._may_switch(layer, header, payload, now)):
            return
        picture = parse_vp8(payload) if self._layered else None
        out = self._rewriter.write(header, payload, codec.payload_type, b"", picture, now)
        if out:
            arrival = self._clock.wall_ns()
            self._record(lambda writer: writer.rtp(out, arrival))
        if switching:
            # Reports come seconds apart: what is known of this layer's clock is worth noting at once.
            self._note_clock(now)

    @property
    def _layered(self) -> bool:
        return len(self.up.order) > 1 and self.up.codec_name == "VP8"

    def _may_switch(self, layer: Layer, header: RtpHeader, payload: bytes, now: float) -> bool:
        target = self._down.target
        if target is None or not target.live(now):
            target = self._down.choose(now)
        if target is not layer:
            return False
        if self.up.is_video and not is_keyframe_start(f"video/{self.up.codec_name}", payload):
            self._request_keyframe(layer.ssrc)
            return False
        self._rewriter.switch(layer, header, parse_vp8(payload) if self._layered else None, now)
        self._current = layer
        return True

    # Beside the packets

    def sender_report(self, rid: str, now: float) -> None:
        """The publisher sent a report for layer `rid`."""
        if self._current is not None and self._current.rid == rid and now - self._timed_at >= _CLOCK_INTERVAL:
            self._note_clock(now)

    def _note_clock(self, now: float) -> None:
        report = self._rewriter.sender_report(now)
        if report is None:
            return
        self._timed_at = now
        arrival = self._clock.wall_ns()
        ntp, timestamp = report.ntp, report.rtp_timestamp
        self._record(lambda writer: writer.sender_report(ntp, timestamp, arrival))

    def muted(self, muted: bool) -> None:
        arrival = self._clock.wall_ns()
        self._record(lambda writer: writer.mute(muted, arrival))

    def tick(self, now: float) -> None:
        target = self._down.choose(now)
        if not self.up.is_video or target is None or not target.live(now):
            return
        if target is not self._current or now - self._keyframe_at >= KEYFRAME_INTERVAL:
            self._keyframe_at = now
            self._request_keyframe(target.ssrc)

    def demand(self) -> int | None:
        return self._down.demand()

    # The file

    def opened(self, writer: WriterThread, file: LogFile) -> None:
        """The file's opening is queued: what came meanwhile follows it."""
        self._writer, self._file = writer, file
        backlog, self._backlog = self._backlog, []
        for work in backlog:
            self._record(work)

    def close(self, closed: Callable[[Outcome], None]) -> None:
        """Queues the end of the log; `closed` is called in the writer's thread, or here without a file."""
        self.ended = True
        if self._writer is None or self._file is None:
            closed(Outcome(None, 0, self.info.error or "ended before its file was opened"))
        else:
            self._writer.close(self._file, closed, ended_ns=self._clock.wall_ns())

    def finished(self, outcome: Outcome) -> None:
        """Fills `info` with the result."""
        now = self._clock.wall_ns()
        info = self.info
        info.ended_at = info.updated_at = now
        info.error = outcome.error
        info.status = EgressStatus.EGRESS_FAILED if outcome.error else EgressStatus.EGRESS_COMPLETE
        if outcome.path is not None:
            name = f"{self.prefix}/{outcome.path.name}"
            result = FileInfo(
                filename=name,
                location=name,
                started_at=info.started_at,
                ended_at=now,
                duration=now - info.started_at,
                size=outcome.size,
            )
            info.file_results.append(result)
            info.file.CopyFrom(result)
        if self.dropped:
            info.details = f"{self.dropped} packets were not recorded: the disk was too slow"

    def _record(self, work: Work) -> None:
        if self.ended:
            return
        if self._writer is None or self._file is None:
            if len(self._backlog) < _BACKLOG:
                self._backlog.append(work)
            else:
                self.dropped += 1
        elif not self._writer.write(self._file, work):
            self.dropped += 1
