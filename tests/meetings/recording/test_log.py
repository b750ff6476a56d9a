import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meetings.recording.envelope import FRAME_HEADER_SIZE, PREAMBLE_SIZE
from meetings.recording.errors import (
    LogClosed,
    LogWithoutHeader,
    NotARecordLog,
    RecordLogError,
    TamperedLog,
    WrongKey,
)
from meetings.recording.log import (
    EndRecord,
    MuteRecord,
    RecordLogWriter,
    RtpRecord,
    SenderReport,
    TrackHeader,
    read_log,
)

KEY = bytes(range(32))
HEADER = TrackHeader("room", "zoe", "Zoé", "TR_1", "audio", "audio/opus", 48_000, 2, "microphone", 10**18)
RECORDS = [
    RtpRecord(b"first packet", 10**18 + 1),
    SenderReport(2**64 - 1, 2**32 - 1, 10**18 + 2),
    MuteRecord(True, 10**18 + 3),
    MuteRecord(False, 10**18 + 4),
    RtpRecord(b"", 10**18 + 5),
]

unhurried = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def frames_of(path):
    data, position, frames = path.read_bytes(), PREAMBLE_SIZE, []
    while position < len(data):
        end = position + FRAME_HEADER_SIZE + int.from_bytes(data[position : position + 4])
        frames.append(data[position:end])
        position = end
    return data[:PREAMBLE_SIZE], frames


def write(path, frames):
    """A log of the given frames, closed in order (which adds a frame of its own)."""
    writer = RecordLogWriter(path, KEY, HEADER)
    fill(writer, frames)
    writer.close()
    return writer


def crash(path, frames):
    """The same as a recorder leaves it that was killed after its last flush."""
    write(path, frames)
    start, written = frames_of(path)
    path.write_bytes(start + b"".join(written[:-1]))


def fill(writer, frames):
    for frame in frames:
        for record in frame:
            match record:
                case RtpRecord(packet, at):
                    writer.rtp(packet, at)
                case SenderReport(ntp, rtp, at):
                    writer.sender_report(ntp, rtp, at)
                case MuteRecord(muted, at):
                    writer.mute(muted, at)
        writer.flush()


def test_what_was_written_is_read_again_twice(tmp_path):
    write(tmp_path / "log", [RECORDS[:2], RECORDS[2:]])
    log = read_log(tmp_path / "log", KEY)
    assert log.header == HEADER
    assert (log.complete, log.lost_bytes) == (True, 0)
    assert list(log.records) == [*RECORDS, EndRecord(10**18 + 5)]
    assert len(list(log.records)) == 6


def test_a_log_still_open_is_readable_and_not_complete(tmp_path):
    writer = RecordLogWriter(tmp_path / "log", KEY, HEADER)
    fill(writer, [RECORDS])
    log = read_log(tmp_path / "log", KEY)
    assert (list(log.records), log.complete, log.lost_bytes) == (RECORDS, False, 0)
    writer.close()


def test_content_and_names_are_not_readable_on_disk(tmp_path):
    write(tmp_path / "log", [RECORDS])
    data = (tmp_path / "log").read_bytes()
    assert b"first packet" not in data
    assert b"zoe" not in data
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


def test_equal_records_of_two_logs_look_different(tmp_path):
    for name in "ab":
        write(tmp_path / name, [RECORDS])
    first, second = (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()
    assert len(first) == len(second)
    assert first[PREAMBLE_SIZE:] != second[PREAMBLE_SIZE:]


def test_frames_are_sealed_at_64_kib_without_a_flush(tmp_path):
    writer = RecordLogWriter(tmp_path / "log", KEY, HEADER)
    for number in range(200):
        writer.rtp(bytes([number]) * 1200, number)
    assert len(list(read_log(tmp_path / "log", KEY).records)) >= 150
    writer.close()
    assert len(list(read_log(tmp_path / "log", KEY).records)) == 201


def test_the_longest_packet_fits_and_a_longer_one_is_counted(tmp_path):
    writer = RecordLogWriter(tmp_path / "log", KEY, HEADER)
    writer.rtp(b"x" * 65_535, 1)
    writer.rtp(b"x" * 65_536, 2)
    writer.close()
    assert writer.dropped == 1
    assert next(read_log(tmp_path / "log", KEY).records) == RtpRecord(b"x" * 65_535, 1)


def test_torn_at_every_byte_of_the_last_frame(tmp_path):
    crash(tmp_path / "log", [RECORDS[:2]])
    whole = (tmp_path / "log").stat().st_size
    crash(tmp_path / "longer", [RECORDS[:2], RECORDS[2:]])
    data = (tmp_path / "longer").read_bytes()
    for size in range(whole, len(data)):
        (tmp_path / "torn").write_bytes(data[:size])
        log = read_log(tmp_path / "torn", KEY)
        assert (list(log.records), log.complete) == (RECORDS[:2], False)
        assert log.lost_bytes == size - whole


def test_torn_before_the_header_is_whole(tmp_path):
    crash(tmp_path / "log", [])
    data = (tmp_path / "log").read_bytes()
    for size in range(1, len(data)):
        (tmp_path / "torn").write_bytes(data[:size])
        with pytest.raises(LogWithoutHeader):
            read_log(tmp_path / "torn", KEY)


def test_zeros_after_a_power_cut_are_a_torn_tail(tmp_path):
    crash(tmp_path / "log", [RECORDS])
    with (tmp_path / "log").open("ab") as file:
        file.write(bytes(100_000))
    log = read_log(tmp_path / "log", KEY)
    assert (list(log.records), log.lost_bytes) == (RECORDS, 100_000)


def test_every_flipped_bit_is_found(tmp_path):
    write(tmp_path / "log", [RECORDS[:2], RECORDS[2:]])
    data = (tmp_path / "log").read_bytes()
    for position in range(len(data)):
        bad = bytearray(data)
        bad[position] ^= 1 << position % 8
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises(RecordLogError):
            list(read_log(tmp_path / "bad", KEY).records)


@pytest.mark.parametrize(
    ("order", "blamed"), [([0, 2, 1, 3], 1), ([0, 1, 3], 2), ([0, 1, 1, 2, 3], 2), ([1, 2, 3], 0)]
)
def test_frames_cannot_be_moved_removed_or_repeated(tmp_path, order, blamed):
    write(tmp_path / "log", [RECORDS[:2], RECORDS[2:]])
    start, frames = frames_of(tmp_path / "log")
    (tmp_path / "bad").write_bytes(start + b"".join(frames[number] for number in order))
    with pytest.raises(TamperedLog if blamed else WrongKey, match=f"frame {blamed}") as caught:
        list(read_log(tmp_path / "bad", KEY).records)
    assert caught.value.frame == blamed


def test_removing_the_end_shows(tmp_path):
    write(tmp_path / "log", [RECORDS])
    start, frames = frames_of(tmp_path / "log")
    (tmp_path / "cut").write_bytes(start + b"".join(frames[:-1]))
    assert not read_log(tmp_path / "cut", KEY).complete


def test_a_wrong_key_is_named(tmp_path):
    write(tmp_path / "log", [RECORDS])
    with pytest.raises(WrongKey, match="frame 0"):
        read_log(tmp_path / "log", bytes(32))


def test_a_log_is_never_continued(tmp_path):
    write(tmp_path / "log", [RECORDS])
    with pytest.raises(FileExistsError):
        RecordLogWriter(tmp_path / "log", KEY, HEADER)


def test_nothing_is_written_after_close(tmp_path):
    writer = write(tmp_path / "log", [RECORDS])
    writer.close()
    with pytest.raises(LogClosed):
        writer.rtp(b"late", 1)
    assert writer.closed


def test_a_full_disk_is_told_once_and_leaves_what_came_before(tmp_path):
    import resource
    import signal

    writer = RecordLogWriter(tmp_path / "log", KEY, HEADER)
    fill(writer, [RECORDS])
    whole = (tmp_path / "log").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 100, before[1]))
        writer.rtp(b"x" * 1000, 1)
        with pytest.raises(OSError, match="File too large"):
            writer.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    with pytest.raises(LogClosed):
        writer.flush()
    log = read_log(tmp_path / "log", KEY)
    assert (list(log.records), log.lost_bytes) == (RECORDS, 100)


@unhurried
@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_in_one_way(tmp_path, data):
    (tmp_path / "noise").write_bytes(data)
    with pytest.raises((NotARecordLog, LogWithoutHeader, WrongKey)):
        read_log(tmp_path / "noise", KEY)


@unhurried
@given(tail=st.binary(min_size=1, max_size=200))
def test_arbitrary_bytes_after_a_log_never_become_records(tmp_path, tail):
    (tmp_path / "log").unlink(missing_ok=True)
    crash(tmp_path / "log", [RECORDS])
    with (tmp_path / "log").open("ab") as file:
        file.write(tail)
    if len(tail) < FRAME_HEADER_SIZE or not any(tail):
        log = read_log(tmp_path / "log", KEY)
        assert (list(log.records), log.lost_bytes) == (RECORDS, len(tail))
    else:
        with pytest.raises(TamperedLog, match="frame 2"):
            read_log(tmp_path / "log", KEY)
