"""The recorder: nothing lost at the start, nothing blocks the loop, a bad disk ends one log."""

import asyncio
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit.protocol.egress import EgressInfo, EgressStatus
from livekit.protocol.models import TrackInfo, TrackType

from meetings.recording.log import MuteRecord, RtpRecord, SenderReport, TrackHeader, read_log
from meetings.relay.dataplane.portable import PortablePlane
from meetings.relay.interface import SystemClock
from meetings.relay.plane import StreamReport
from meetings.relay.recorder import Recorder, Recording, RecordingRefused, WriterThread
from meetings.relay.recorder.writing import LogFile, Outcome
from meetings.relay.rtp import parse_rtp
from meetings.relay.sdp import Codec
from meetings.relay.uptrack import UpTrack

from .packets import rtp, vp8

KEY = bytes(32)
HEADER = TrackHeader("r", "ann", "Ann", "TR_1", "audio", "audio/opus", 48_000, 2, "microphone", 1)


class SteppingClock(SystemClock):
    """The machine's clock, set by so many seconds."""

    step = 0

    def wall_ns(self) -> int:
        return super().wall_ns() + self.step * 1_000_000_000


class Plane(PortablePlane):
    """Notes the keyframes that are asked for."""

    def __init__(self) -> None:
        super().__init__(bind="127.0.0.1", port=0, stun_received=lambda data, address, local: None)
        self.asked: list[int] = []

    def request_keyframe(self, transport: int, ssrc: int) -> None:
        self.asked.append(ssrc)


class Stage:
    """A recorder on a data plane without a socket; `key_arrives` lets the portal answer."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = SystemClock()
        self.plane = Plane()
        self.asked = self.plane.asked
        self.writer = WriterThread(limit=1000)
        self.writer.start()
        self.key_arrives = asyncio.Event()
        self.key = KEY
        self.told: list[tuple[str, int]] = []
        self.infos: list[EgressInfo] = []
        self.use(self.clock)

    def use(self, clock: SystemClock) -> None:
        """A recorder that goes by this clock."""
        recording = Recording(self.directory, self.writer, self.plane, clock, self._key_of, patience=0.3)
        self.recorder = Recorder(
            recording, room="r", room_sid="RM_1", notify=self._notify, changed=lambda: None
        )

    async def _key_of(self, room: str, egress_id: str) -> bytes:
        await self.key_arrives.wait()
        return self.key

    def _notify(self, name: str, info: EgressInfo) -> None:
        self.told.append((name, info.status))
        self.infos.append(info)

    def hear(self, track: UpTrack, *packets: bytes) -> None:
        """Packets of a track, as the data plane delivers them."""
        for packet in packets:
            header = parse_rtp(packet)
            layer = next(layer for layer in track.layers.values() if layer.ssrc == header.ssrc)
            now = self.clock.monotonic()
            layer.report = StreamReport(media_at=now)
            heard = self.plane._router.find_track(track.number)
            for tap in heard.taps if heard else ():
                tap.packet(header.ssrc, header, packet, now)


@pytest.fixture
async def stage(tmp_path: Path):
    stage = Stage(tmp_path / "recordings")
    yield stage
    stage.key_arrives.set()
    await stage.recorder.close()
    await asyncio.to_thread(stage.writer.stop)


def microphone() -> UpTrack:
    info = TrackInfo(sid="TR_1", type=TrackType.AUDIO, mime_type="audio/opus")
    track = UpTrack(1, info, "cid", "ann", "PA_1", "Ann", codec=Codec(111, "opus", 48_000, 2))
    track.add_layer("", 5)
    return track


def words(*sequences: int) -> list[bytes]:
    return [rtp(5, sequence, sequence * 960, b"word", 111) for sequence in sequences]


async def test_packets_before_the_key_and_the_file_are_kept(stage: Stage) -> None:
    track = microphone()
    stage.recorder.record_all("rec", [])
    stage.recorder.published(track)
    stage.hear(track, *words(1, 2))
    stage.key_arrives.set()
    await asyncio.sleep(0.05)
    stage.hear(track, *words(3))
    track.layers[""].sender_report(7 << 32, 960, stage.clock.monotonic())
    stage.recorder.sender_report(track, "")
    track.mute(True)
    stage.recorder.muted(track)
    stage.recorder.unpublished(track)
    await stage.recorder.close()
    log = read_log(stage.directory / "rec" / "TR_1.vlog", KEY)
    records = list(log.records)
    packets = [parse_rtp(record.packet) for record in records if isinstance(record, RtpRecord)]
    assert [packet.timestamp for packet in packets] == [960, 1920, 2880]
    assert packets[2].sequence == (packets[0].sequence + 2) & 0xFFFF
    assert log.complete
    assert any(isinstance(record, SenderReport) for record in records)
    assert any(isinstance(record, MuteRecord) and record.muted for record in records)
    assert (log.header.participant_name, log.header.mime, log.header.channels) == ("Ann", "audio/opus", 2)


async def test_a_flood_of_sender_reports_is_not_recorded(stage: Stage) -> None:
    """A thousand a second would fill the memory of whoever fits clocks to the log."""
    track = microphone()
    stage.key_arrives.set()
    stage.recorder.start(track, "rec")
    stage.hear(track, *words(1))
    for number in range(1000):
        track.layers[""].sender_report(number << 32, 960, stage.clock.monotonic())
        stage.recorder.sender_report(track, "")
    await asyncio.sleep(0.1)
    await stage.recorder.close()
    records = list(read_log(stage.directory / "rec" / "TR_1.vlog", KEY).records)
    assert sum(isinstance(record, SenderReport) for record in records) <= 2


async def test_webhooks_tell_the_whole_life_and_the_result(stage: Stage) -> None:
    stage.key_arrives.set()
    info = stage.recorder.start(microphone(), "rec")
    await asyncio.sleep(0.1)
    stage.recorder.stop(info.egress_id)
    await stage.recorder.close()
    assert [name for name, _ in stage.told] == ["egress_started", "egress_updated", "egress_ended"]
    assert info.status == EgressStatus.EGRESS_COMPLETE
    assert (info.file.filename, info.track.track_id) == ("rec/TR_1.vlog", "TR_1")
    assert info.file.size == (stage.directory / "rec" / "TR_1.vlog").stat().st_size
    assert info.ended_at > info.started_at


async def test_stopping_all_ends_running_ones_and_spares_later_tracks(stage: Stage) -> None:
    stage.key_arrives.set()
    stage.recorder.record_all("rec", [microphone()])
    assert stage.recorder.active
    stage.recorder.stop_all()
    stage.recorder.published(microphone())
    await stage.recorder.close()
    assert not stage.recorder.active
    assert [name for name, _ in stage.told].count("egress_started") == 1


async def test_the_same_track_again_gets_a_second_file(stage: Stage) -> None:
    stage.key_arrives.set()
    track = microphone()
    for _ in range(2):
        info = stage.recorder.start(track, "rec")
        await asyncio.sleep(0.1)
        stage.recorder.stop(info.egress_id)
        await stage.recorder.close()
    assert sorted(path.name for path in stage.directory.rglob("*.vlog")) == ["TR_1-2.vlog", "TR_1.vlog"]


@pytest.mark.parametrize("prefix", ["", "..", "a/../b", "a//b", "a/", "/etc", "a\0b", "-x", "x" * 200, "é"])
async def test_a_prefix_cannot_leave_the_folder(stage: Stage, prefix: str) -> None:
    with pytest.raises(RecordingRefused):
        stage.recorder.record_all(prefix, [])
    assert not stage.recorder.active


async def test_no_key_no_recording_and_the_world_is_told(stage: Stage) -> None:
    stage.key, track = b"short", microphone()
    stage.key_arrives.set()
    info = stage.recorder.start(track, "rec")
    await asyncio.sleep(0.1)
    assert info.status == EgressStatus.EGRESS_FAILED
    assert "no recording key" in info.error
    assert list(stage.directory.rglob("*.vlog")) == []


async def test_a_portal_that_never_answers_does_not_keep_the_room(stage: Stage) -> None:
    """Regression: a room that ended waited for the key without end, and the relay's stop with it."""
    info = stage.recorder.start(microphone(), "rec")
    async with asyncio.timeout(3):
        await stage.recorder.close()
    assert info.status == EgressStatus.EGRESS_FAILED


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 200 KB: writes fail as on a full disk (EFBIG for ENOSPC)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_is_told_while_the_meeting_goes_on(stage: Stage, small_disk: None) -> None:
    """Regression: the egress stayed active, and everybody believed that they were being recorded."""
    stage.key_arrives.set()
    track = microphone()
    info = stage.recorder.start(track, "rec")
    await asyncio.sleep(0.05)
    for sequence in range(500):
        stage.hear(track, rtp(5, sequence, sequence * 960, bytes(1000), 111))
    await asyncio.sleep(0.2)
    stage.recorder.tick(stage.clock.monotonic())
    await asyncio.sleep(0.1)
    assert (info.status, stage.told[-1][0]) == (EgressStatus.EGRESS_FAILED, "egress_ended")
    assert "File too large" in info.error
    log = read_log(stage.directory / "rec" / "TR_1.vlog", KEY)
    assert 100 < sum(isinstance(record, RtpRecord) for record in log.records) < 200


async def test_an_unwritable_folder_fails_one_egress(stage: Stage, tmp_path: Path) -> None:
    stage.directory.mkdir()
    (stage.directory / "rec").write_text("a file in the folder's place")
    stage.key_arrives.set()
    info = stage.recorder.start(microphone(), "rec")
    await asyncio.sleep(0.2)
    assert info.status == EgressStatus.EGRESS_FAILED
    assert "FileExistsError" in info.error or "NotADirectoryError" in info.error


async def test_video_is_recorded_from_a_keyframe_and_asks_for_more(stage: Stage) -> None:
    info = TrackInfo(sid="TR_v", type=TrackType.VIDEO, mime_type="video/VP8")
    track = UpTrack(2, info, "cid", "ann", "PA_1", codec=Codec(96, "VP8", 90_000), order=["q", "f"])
    track.add_layer("q", 5)
    track.add_layer("f", 6)
    stage.key_arrives.set()
    stage.recorder.start(track, "rec")
    now = stage.clock.monotonic()
    stage.hear(track, rtp(6, 1, 0, vp8(1, 1, key=False)))
    assert stage.asked == [6]
    stage.hear(track, rtp(6, 2, 0, vp8(2, 1, key=True)), rtp(5, 1, 0, vp8(1, 1, key=True)))
    stage.recorder.tick(now + 0.5)
    assert stage.asked == [6]
    track.layers["f"].report = StreamReport(media_at=now + 3)
    stage.recorder.tick(now + 3.1)
    assert stage.asked == [6, 6]
    assert stage.recorder.demand(track) == [2]
    stage.recorder.unpublished(track)
    await stage.recorder.close()
    log = read_log(stage.directory / "rec" / "TR_v.vlog", KEY)
    assert sum(isinstance(record, RtpRecord) for record in log.records) == 1


def test_beyond_its_bound_the_queue_drops_and_counts(tmp_path: Path) -> None:
    writer, file = WriterThread(limit=10), LogFile(tmp_path, "TR_1", KEY, HEADER)
    opened, closed = threading.Event(), threading.Event()
    outcomes: list[Outcome] = []
    writer.open(file, lambda error: opened.set())
    kept = [writer.write(file, lambda log: log.rtp(bytes(20), 5)) for _ in range(15)]
    writer.close(file, lambda outcome: (outcomes.append(outcome), closed.set()))  # type: ignore[func-returns-value]
    writer.start()
    assert closed.wait(5)
    writer.stop()
    assert (kept.count(True), writer.dropped) == (9, 6)
    assert outcomes[0].error == ""
    log = read_log(tmp_path / "TR_1.vlog", KEY)
    assert sum(isinstance(record, RtpRecord) for record in log.records) == 9


def test_stopping_closes_what_is_open(tmp_path: Path) -> None:
    writer, file = WriterThread(limit=10), LogFile(tmp_path, "TR_1", KEY, HEADER)
    writer.start()
    writer.open(file, lambda error: None)
    writer.write(file, lambda log: log.rtp(bytes(20), 5))
    writer.stop()
    assert read_log(tmp_path / "TR_1.vlog", KEY).complete


def test_what_was_written_is_readable_without_a_close(tmp_path: Path) -> None:
    writer, file = WriterThread(limit=10), LogFile(tmp_path, "TR_1", KEY, HEADER)
    writer.start()
    writer.open(file, lambda error: None)
    writer.write(file, lambda log: log.rtp(bytes(20), 5))
    threading.Event().wait(1.3)
    records = list(read_log(tmp_path / "TR_1.vlog", KEY).records)
    writer.stop()
    assert len(records) == 1


_RECORD_FOREVER = """
import sys, time
from pathlib import Path
from meetings.relay.recorder import WriterThread
from meetings.relay.recorder.writing import LogFile
from tests.meetings.relay.test_recorder import HEADER, KEY

writer, file = WriterThread(limit=1000), LogFile(Path(sys.argv[1]), "TR_1", KEY, HEADER)
writer.start()
writer.open(file, lambda error: None)
print("recording", flush=True)
for number in range(1_000_000):
    packet, now = number.to_bytes(100, "big"), time.time_ns()
    writer.write(file, lambda log, packet=packet, now=now: log.rtp(packet, now))
    time.sleep(0.02)
"""


def test_a_log_survives_kill_9_up_to_its_last_second(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _RECORD_FOREVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "recording\n"
        time.sleep(2.3)
        process.kill()
        killed = time.time()
    log = read_log(tmp_path / "TR_1.vlog", KEY)
    records = [record for record in log.records if isinstance(record, RtpRecord)]
    assert not log.complete
    assert [int.from_bytes(record.packet, "big") for record in records] == list(range(len(records)))
    assert killed - 1.0 < records[-1].arrival_ns / 1e9 <= killed


def test_a_disk_error_ends_this_log_and_no_other(tmp_path: Path) -> None:
    writer = WriterThread(limit=100)
    bad = LogFile(tmp_path, "bad", KEY, HEADER)
    good = LogFile(tmp_path, "good", KEY, HEADER)
    outcomes: dict[str, Outcome] = {}

    def fail(log: object) -> None:
        raise OSError(28, "No space left on device")

    for file in (bad, good):
        writer.open(file, lambda error: None)
    writer.write(bad, fail)
    writer.write(good, lambda log: log.rtp(bytes(20), 5))
    writer.close(bad, lambda outcome: outcomes.update(bad=outcome))
    writer.close(good, lambda outcome: outcomes.update(good=outcome))
    writer.start()
    writer.stop()
    assert "No space left" in outcomes["bad"].error
    assert outcomes["good"].error == ""


async def test_a_clock_that_is_set_while_recording_moves_no_packet(stage: Stage) -> None:
    """Sound is placed by when it arrived: an hour's step tore the tracks of a recording apart."""
    clock = SteppingClock()
    stage.use(clock)
    stage.key_arrives.set()
    track = microphone()
    stage.recorder.record_all("m/r", [track])
    for number, step in enumerate((0, 3600, -7200)):
        clock.step += step
        stage.hear(track, rtp(5, number, number * 960, bytes(20), 111))
    await stage.recorder.close()
    log = read_log(stage.directory / "m/r/TR_1.vlog", KEY)
    arrivals = [record.arrival_ns for record in log.records if isinstance(record, RtpRecord)]
    assert len(arrivals) == 3
    assert max(arrivals) - min(arrivals) < 60e9
    assert abs(log.ended_wall_ns - arrivals[0]) < 60e9
