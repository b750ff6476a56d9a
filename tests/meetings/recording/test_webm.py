import json
import subprocess

import av
import numpy as np
import pytest

from meetings.recording.errors import EmptyRecording, RecordLogError, UnsupportedMedia
from meetings.recording.mix import limit, mix_sound
from meetings.recording.payloads import vp8_part
from meetings.recording.timeline import Timeline
from meetings.recording.webm import _size, remux_participant

from .senders import KEY, START_NS, Client, onsets, opus_units, tone_bursts, vp8_units

TIMELINE = Timeline(START_NS, 8.0)
BURSTS = [(1.0, 1.5), (3.0, 3.5), (6.0, 6.4)]


def microphone(tmp_path, client, bursts=BURSTS, keep=lambda at: True, hz=440.0):
    units = [unit for unit in opus_units(tone_bursts(bursts, 8.0, hz)) if keep(unit[0])]
    header = client.header("audio", "audio/opus", 48_000, "microphone", "TR_A")
    return client.write(tmp_path / f"{client.identity}-microphone", header, units)


def camera(tmp_path, client, units, name="camera", mime="video/VP8", sid="TR_V"):
    header = client.header("video", mime, 90_000, "camera", sid)
    return client.write(tmp_path / f"{client.identity}-{name}", header, units, ssrc=0x9999)


def remux(tmp_path, *paths):
    return remux_participant(paths, KEY, TIMELINE, tmp_path / "out.webm", lambda done: None)


def sound_of(path):
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray() for frame in container.decode(audio=0)]
    flat = [part.mean(axis=0) if part.ndim > 1 and part.shape[0] > 1 else part.reshape(-1) for part in parts]
    return np.concatenate(flat)


def video_times(path):
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def probe(path):
    command = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def test_camera_and_microphone_in_one_seekable_file(tmp_path):
    client = Client(offset=-100.0, jitter=0.01)
    told = []
    paths = [camera(tmp_path, client, vp8_units(8.0)), microphone(tmp_path, client)]
    info = remux_participant(paths, KEY, TIMELINE, tmp_path / "out.webm", told.append)
    assert (info.has_video, info.has_audio, info.width, info.height) == (True, True, 160, 96)
    assert info.size_bytes == (tmp_path / "out.webm").stat().st_size
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    found = probe(tmp_path / "out.webm")
    assert float(found["format"]["duration"]) == pytest.approx(8.0, abs=0.05)
    assert [stream["codec_name"] for stream in found["streams"]] == ["vp8", "opus"]
    assert bytes.fromhex("1c53bb6b") in (tmp_path / "out.webm").read_bytes()  # Cues
    assert len(video_times(tmp_path / "out.webm")) == 80
    assert onsets(sound_of(tmp_path / "out.webm"), 48_000) == pytest.approx([1.02, 3.02, 6.02], abs=0.03)


def test_seeking_to_the_middle_lands_on_a_keyframe_nearby(tmp_path):
    remux(tmp_path, camera(tmp_path, Client(), vp8_units(8.0)))
    with av.open(str(tmp_path / "out.webm")) as container:
        container.seek(4_500_000)
        frame = next(container.decode(video=0))
    assert 3.4 <= frame.time <= 4.5


def test_picture_and_sound_stay_together_though_the_camera_pauses_and_changes_size(tmp_path):
    client = Client(offset=50.0)
    units = vp8_units(2.0) + vp8_units(2.0, begin=5.0, size=(320, 192))
    info = remux(tmp_path, camera(tmp_path, client, units), microphone(tmp_path, client))
    assert (info.width, info.height) == (160, 96)
    times = video_times(tmp_path / "out.webm")
    assert times == pytest.approx([at + 0.02 for at, _ in units], abs=0.02)
    with av.open(str(tmp_path / "out.webm")) as container:
        assert {frame.width for frame in container.decode(video=0)} == {160, 320}


def test_a_picture_that_claims_to_be_huge_is_not_decoded():
    """A header of ten bytes makes a decoder reserve hundreds of megabytes."""
    (_, packets), *_ = vp8_units(0.1)
    keyframe = b"".join(part.payload for part in map(vp8_part, packets) if part)
    assert _size("vp8", keyframe) == (160, 96)
    assert _size("vp8", keyframe, most=160 * 95) == (0, 0)


def test_a_camera_published_again_continues_in_the_same_track(tmp_path):
    client = Client()
    first = camera(tmp_path, client, vp8_units(2.0), "one")
    second = camera(tmp_path, client, vp8_units(2.0, begin=4.0), "two", sid="TR_W")
    remux(tmp_path, first, second)
    assert [s["codec_type"] for s in probe(tmp_path / "out.webm")["streams"]] == ["video", "audio"]
    assert len(video_times(tmp_path / "out.webm")) == 40


def test_after_a_lost_packet_nothing_until_the_next_keyframe(tmp_path):
    units = vp8_units(4.0)
    counts = np.cumsum([0] + [len(payloads) for _, payloads in units])
    client = Client(lost=lambda index: index == counts[13])
    remux(tmp_path, camera(tmp_path, client, units))
    times = video_times(tmp_path / "out.webm")
    assert times == pytest.approx([n / 10 + 0.02 for n in range(40) if not 13 <= n < 20], abs=0.02)


def test_a_late_joiner_and_a_muted_stretch_are_silent(tmp_path):
    spoken = [(2.2, 2.9), (5.2, 5.9)]
    path = microphone(tmp_path, Client(), spoken, keep=lambda at: 2 <= at < 3 or 5 <= at < 6)
    remux(tmp_path, path)
    sound = sound_of(tmp_path / "out.webm")
    assert len(sound) / 48_000 == pytest.approx(8.0, abs=0.05)
    assert onsets(sound, 48_000) == pytest.approx([2.22, 5.22], abs=0.03)
    assert np.abs(sound[round(3.2 * 48_000) : round(4.9 * 48_000)]).max() < 0.01


def test_an_opus_packet_is_copied_not_encoded_again(tmp_path):
    units = opus_units(tone_bursts([(0, 8)], 8.0))
    remux(tmp_path, microphone(tmp_path, Client(), [(0, 8)]))
    with av.open(str(tmp_path / "out.webm")) as container:
        copied = {bytes(packet) for packet in container.demux(audio=0)}
    assert {payloads[0] for _, payloads in units[10:-10]} <= copied


def test_a_torn_log_is_remuxed_up_to_the_tear(tmp_path):
    path = camera(tmp_path, Client(), vp8_units(8.0))
    path.write_bytes(path.read_bytes()[:-3])
    assert remux(tmp_path, path).has_video


def test_failures_leave_no_file(tmp_path):
    h264 = camera(tmp_path, Client(), [], "h264", "video/H264")
    with pytest.raises(UnsupportedMedia, match="video/H264"):
        remux(tmp_path, h264)
    with pytest.raises(EmptyRecording):
        remux(tmp_path, camera(tmp_path, Client(), [], "empty"))
    bad = camera(tmp_path, Client(), vp8_units(8.0), "bad")
    data = bytearray(bad.read_bytes())
    data[len(data) // 2] ^= 1
    bad.write_bytes(data)
    with pytest.raises(RecordLogError):
        remux(tmp_path, bad)
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_a_failure_half_way_leaves_the_former_file_and_no_part(tmp_path):
    class Killed(Exception):
        pass

    def stop(done):
        if done > 0.6:
            raise Killed

    (tmp_path / "out.webm").write_bytes(b"former")
    with pytest.raises(Killed):
        remux_participant([microphone(tmp_path, Client())], KEY, TIMELINE, tmp_path / "out.webm", stop)
    assert (tmp_path / "out.webm").read_bytes() == b"former"
    assert not list(tmp_path.glob(".*"))


def test_the_mix_holds_everybody_where_they_spoke(tmp_path):
    zoe = microphone(tmp_path, Client("zoe", offset=-300), [(1.0, 1.5)])
    max_ = microphone(tmp_path, Client("max", offset=40, first_timestamp=77), [(4.0, 4.5)], hz=300)
    seen = camera(tmp_path, Client("zoe", offset=-300), vp8_units(1.0))
    told = []
    info = mix_sound([zoe, max_, seen], KEY, TIMELINE, tmp_path / "mix.webm", told.append)
    assert (info.has_audio, info.has_video, told[-1]) == (True, False, 1.0)
    assert onsets(sound_of(tmp_path / "mix.webm"), 48_000) == pytest.approx([1.02, 4.02], abs=0.02)
    assert float(probe(tmp_path / "mix.webm")["format"]["duration"]) == pytest.approx(8.0, abs=0.05)
    assert bytes.fromhex("1c53bb6b") in (tmp_path / "mix.webm").read_bytes()


def test_the_limiter_keeps_quiet_sound_and_never_reaches_full_scale():
    loud = np.linspace(-3, 3, 1001, dtype=np.float32)
    limited = limit(loud)
    assert np.array_equal(limited[np.abs(loud) < 0.7], loud[np.abs(loud) < 0.7])
    assert np.abs(limited).max() <= 1.0
    assert (np.diff(limited) >= 0).all()
