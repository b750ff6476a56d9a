import wave

import numpy as np
import pytest

from meetings.recording.clocks import read_clocks
from meetings.recording.errors import UnsupportedMedia
from meetings.recording.sound import decode_track, place, write_wav
from meetings.recording.timeline import Timeline

from .senders import KEY, START_NS, Client, onsets, opus_units, tone_bursts

BURSTS = [(1.0, 1.5), (3.0, 3.5), (6.0, 6.4)]


def heard(client, tmp_path, units, duration=8.0, name="log"):
    path = client.write(tmp_path / name, client.header("audio", "audio/opus", 48_000, "microphone"), units)
    return np.concatenate(list(decode_track(path, KEY, Timeline(START_NS, duration), rate=16_000)))


@pytest.mark.parametrize(
    "client",
    [
        Client(),
        Client(offset=-371.5),
        Client(offset=95.0, jitter=0.08, duplicates=0.1),
        Client(report_every=None, jitter=0.04),
        Client(offset=3.0, drift=80e-6, loss=0.02, first_timestamp=5, first_sequence=9),
    ],
    ids=["plain", "clock minutes behind", "reordered, doubled", "no sender reports", "drift and loss"],
)
def test_bursts_are_heard_when_they_were_made(client, tmp_path):
    sound = heard(client, tmp_path, opus_units(tone_bursts(BURSTS, 8.0)))
    assert len(sound) == 8 * 16_000
    # The network's 20 ms cannot be told from a clock that is 20 ms off; encoder and filter add under 10.
    assert onsets(sound, 16_000) == pytest.approx([start + client.delay for start, _ in BURSTS], abs=0.02)


def test_an_hour_long_drift_is_healed_through_sender_reports(tmp_path):
    burst = opus_units(tone_bursts([(0.1, 0.4)], 0.6))
    units = [(at + true, payloads) for at in range(0, 3600, 60) for true, payloads in burst]
    client = Client(offset=12.0, drift=120e-6, jitter=0.05, report_every=5.0)
    sound = heard(client, tmp_path, units, duration=3602.0)
    truth = [at + 0.1 + client.delay for at in range(0, 3600, 60)]
    assert onsets(sound, 16_000) == pytest.approx(truth, abs=0.02)


def test_wild_sender_reports_do_not_move_the_sound(tmp_path):
    client = Client(offset=1.0)
    units = opus_units(tone_bursts(BURSTS, 8.0))
    reports = client._reports
    client._reports = lambda rate, given: [
        (at, order, (ntp + (77 << 32), rtp ^ 0x55555) if index == 3 else (ntp, rtp))
        for index, (at, order, (ntp, rtp)) in enumerate(reports(rate, given))
    ]
    sound = heard(client, tmp_path, units)
    assert onsets(sound, 16_000) == pytest.approx([1.02, 3.02, 6.02], abs=0.02)


def test_what_was_not_sent_is_exactly_zero(tmp_path):
    units = opus_units(tone_bursts([(0.0, 8.0)], 8.0))
    sound = heard(Client(), tmp_path, [unit for unit in units if not 2.0 <= unit[0] < 5.0])
    assert not sound[round(2.1 * 16_000) : round(4.9 * 16_000)].any()
    assert np.abs(sound[16_000:30_000]).max() > 0.3
    assert np.abs(sound[round(5.2 * 16_000) : round(7.9 * 16_000)]).max() > 0.3


def test_dtx_leaves_silence_and_keeps_the_place(tmp_path):
    units = opus_units(tone_bursts([(1.0, 1.5), (5.0, 5.5)], 8.0))
    spoken = [u for u in units if u[0] < 1.6 or 4.9 < u[0] < 5.6]
    dtx = [(1.6 + n * 0.4, [b"\x78"]) for n in range(8)]
    sound = heard(Client(), tmp_path, sorted(spoken + dtx))
    assert onsets(sound, 16_000) == pytest.approx([1.02, 5.02], abs=0.02)
    assert not sound[2 * 16_000 : round(4.8 * 16_000)].any()


def test_two_ssrcs_in_one_log_each_have_their_own_clock(tmp_path):
    header = Client().header("audio", "audio/opus", 48_000, "microphone")
    units = opus_units(tone_bursts([(1.0, 1.5), (5.0, 5.5)], 8.0))
    early, late = Client(report_every=None), Client(report_every=None, first_timestamp=123)
    first = early._packets(48_000, [u for u in units if u[0] < 3], 1)
    second = late._packets(48_000, [u for u in units if u[0] >= 3], 2)
    both = Client(report_every=None)
    both._packets = lambda rate, given, ssrc: first + second
    path = both.write(tmp_path / "log", header, units)
    sound = np.concatenate(list(decode_track(path, KEY, Timeline(START_NS, 8.0), rate=16_000)))
    assert onsets(sound, 16_000) == pytest.approx([1.02, 5.02], abs=0.02)


def test_participants_whose_clocks_disagree_by_minutes_agree_on_the_timeline(tmp_path):
    units, timeline = opus_units(tone_bursts(BURSTS, 8.0)), Timeline(START_NS, 8.0)
    paths = []
    for number, client in enumerate(
        [Client("a", offset=-200, delay=0.01), Client("b", offset=340, delay=0.04)]
    ):
        header = client.header("audio", "audio/opus", 48_000, "microphone")
        paths.append(client.write(tmp_path / str(number), header, units))
    clocks = read_clocks(paths, KEY, timeline)
    one, two = (
        onsets(np.concatenate(list(decode_track(p, KEY, timeline, clock=clocks[p]))), 16_000) for p in paths
    )
    assert len(one) == 3
    assert one == pytest.approx(two, abs=0.05)


def test_placing_cuts_what_sticks_out_and_yields_every_sample():
    chunks = [(-5, np.ones(10, np.float32)), (60_000, np.full(4_000, 2, np.float32))]
    sound = np.concatenate(list(place(chunks, 62_000)))
    assert len(sound) == 62_000
    assert sound[:6].tolist() == [1, 1, 1, 1, 1, 0]
    assert sound[59_999:60_001].tolist() == [0, 2]
    assert sound[-1] == 2


def test_wav_holds_the_samples(tmp_path):
    write_wav(tmp_path / "a.wav", [np.array([0, 0.5, -2], np.float32), np.zeros(1, np.float32)], 16_000)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 16_000, 4)
        assert np.frombuffer(file.readframes(4), "<i2").tolist() == [0, 16384, -32768, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_other_codecs_are_refused_by_name(tmp_path):
    client = Client()
    path = client.write(tmp_path / "log", client.header("audio", "audio/PCMU", 8_000, "microphone"), [])
    with pytest.raises(UnsupportedMedia, match="audio/PCMU"):
        list(decode_track(path, KEY, Timeline(START_NS, 1.0)))


@pytest.mark.parametrize("drift", [150e-6, -150e-6])
def test_a_long_run_follows_its_clock_without_holes_or_jumps(drift):
    ramp = np.arange(3000 * 960, dtype=np.float64) / 48_000
    sine = np.sin(2 * np.pi * 50 * ramp).astype(np.float32)
    chunks = [(round(n * 960 * (1 + drift)), sine[n * 960 : (n + 1) * 960]) for n in range(3000)]
    placed = np.concatenate(list(place(chunks, 59 * 48_000)))
    truth = np.sin(2 * np.pi * 50 * np.arange(len(placed)) / 48_000 / (1 + drift))
    # Half a millisecond of a 50 Hz tone is 0.157 of its amplitude; a hole or jump of 10 ms would be 2.
    assert np.abs(placed - truth).max() < 0.2
