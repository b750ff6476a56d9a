"""A participant's logs as one WebM file, nothing re-encoded; everybody's sound as another.

The files have a duration and cues, so that players can seek. Time 0 of every file is time 0 of the
timeline, and its sound runs without a hole to the timeline's end: browsers count sound samples instead
of reading timestamps, so a hole would move all that follows. Holes are filled with silent Opus frames.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import OutputContainer
from av.stream import Stream

from .clocks import TrackClock, read_clocks
from .depacketize import VideoFrame, opus_packets, video_frames
from .errors import EmptyRecording, UnsupportedMedia
from .log import RecordLog, read_log
from .opus import SAMPLE_RATE, SILENCE, SILENCE_SAMPLES, duration_samples
from .replacing import replacing
from .timeline import Timeline

Progress = Callable[[float], None]

_VIDEO_CODECS: Final = {"video/vp8": "vp8", "video/vp9": "vp9"}
_TIME_BASE: Final = Fraction(1, SAMPLE_RATE)
# Reading all clocks comes before copying, and takes about a third of the time.
_CLOCKS_SHARE: Final = 0.3
# An 8K picture. A header may claim 65,536 × 65,536, for which a decoder would reserve gigabytes.
_MAX_PIXELS: Final = 7680 * 4320


@dataclass(frozen=True)
class MediaInfo:
    """A finished file. Duration in seconds; width and height in pixels, of the first keyframe, or 0."""

    duration: float
    has_video: bool
    has_audio: bool
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Block:
    """What goes into the file at once; `sample`: its time in 1/48000 s."""

    sample: int
    payload: bytes
    keyframe: bool
    samples: int = 0


@dataclass(frozen=True)
class _Track:
    log: RecordLog
    clock: TrackClock


@dataclass(frozen=True)
class _Picture:
    """One video track of the file: its codec, first keyframe's size, and its blocks."""

    codec: str
    width: int
    height: int
    blocks: Iterator[_Block]


def remux_participant(
    tracks: Sequence[Path], key: bytes, timeline: Timeline, out: Path, progress: Progress
) -> MediaInfo:
    """Copies one participant's logs into the WebM file `out`, which appears whole or not at all.

    Logs of one source (a camera switched off and on) follow each other in one track of the file. Sources
    get a track each, in the order given; browsers play the first picture and the first sound, so give
    camera and microphone in one call, a shared screen in another. `progress` hears 0 … 1.
    Raises UnsupportedMedia (H.264, AV1), EmptyRecording, OSError, RecordLogError.
    """
    progress(0.0)
    clocks = read_clocks(tracks, key, timeline)
    progress(_CLOCKS_SHARE)
    sources: dict[str, list[_Track]] = {}
    for path in tracks:
        log = read_log(path, key)
        sources.setdefault(log.header.source, []).append(_Track(log, clocks[path]))
    for same in sources.values():
        same.sort(key=lambda track: track.log.header.started_wall_ns)
    sounds = [_sound(same) for same in sources.values() if same[0].log.header.kind == "audio"]
    seen = [_picture(same, timeline) for same in sources.values() if same[0].log.header.kind == "video"]
    pictures = [picture for picture in seen if picture]
    if not pictures and all(clock.empty for clock in clocks.values()):
        raise EmptyRecording("the logs hold no packet")
    with replacing(out) as part:
        _write(part, pictures, sounds or [iter(())], timeline, progress)
        size = part.stat().st_size
    progress(1.0)
    width, height = (pictures[0].width, pictures[0].height) if pictures else (0, 0)
    return MediaInfo(timeline.duration, bool(pictures), bool(sounds), width, height, size)


def _write(
    part: Path,
    pictures: Sequence[_Picture],
    sounds: Sequence[Iterator[_Block]],
    timeline: Timeline,
    progress: Progress,
) -> None:
    total = timeline.samples(SAMPLE_RATE)
    with av.open(str(part), "w", format="webm") as container:
        streams = [(_video_stream(container, picture), picture.blocks) for picture in pictures]
        streams += [(_opus_stream(container), _without_holes(sound, total)) for sound in sounds]
        told = 0
        merged = heapq.merge(*(_paired(*each) for each in streams), key=lambda pair: pair[1].sample)
        for stream, block in merged:
            container.mux(_packet(stream, block))
            if block.sample - told >= SAMPLE_RATE:
                told = block.sample
                progress(_CLOCKS_SHARE + (1 - _CLOCKS_SHARE) * min(1.0, told / total))


def _paired(stream: Stream, blocks: Iterable[_Block]) -> Iterator[tuple[Stream, _Block]]:
    return ((stream, block) for block in blocks)


def _video_stream(container: OutputContainer, picture: _Picture) -> Stream:
    return container.add_mux_stream(picture.codec, width=picture.width, height=picture.height)


def _opus_stream(container: OutputContainer) -> Stream:
    """A track with the header of FFmpeg's own Opus encoder; the encoder itself is never fed."""
    return container.add_stream("libopus", rate=SAMPLE_RATE, layout="stereo")


def _packet(stream: Stream, block: _Block) -> "av.Packet[Stream]":
    packet: av.Packet[Stream] = av.Packet(block.payload)
    packet.stream = stream
    packet.time_base = _TIME_BASE
    packet.pts = packet.dts = block.sample
    packet.duration = block.samples
    packet.is_keyframe = block.keyframe
    return packet


def _sound(tracks: Sequence[_Track]) -> Iterator[_Block]:
    for track in tracks:
        header = track.log.header
        if header.mime.lower() != "audio/opus":
            raise UnsupportedMedia(f"{header.mime} sound cannot be copied into WebM; Opus can")
    return (block for track in tracks for block in _opus_blocks(track))


def _opus_blocks(track: _Track) -> Iterator[_Block]:
    for packet in opus_packets(track.log.records, track.log.header.clock_rate):
        samples = duration_samples(packet.payload)
        if samples is not None:
            sample = round(track.clock.seconds(packet.timestamp) * SAMPLE_RATE)
            yield _Block(sample, packet.payload, True, samples)


def _without_holes(blocks: Iterable[_Block], total: int) -> Iterator[_Block]:
    """Sound from 0 to `total`, silence wherever at least a whole silent frame fits."""
    cursor = 0
    for block in blocks:
        if block.sample < cursor - SILENCE_SAMPLES or block.sample >= total:
            continue
        yield from _silence(cursor, block.sample)
        cursor = max(cursor, block.sample - (block.sample - cursor) % SILENCE_SAMPLES)
        yield _Block(cursor, block.payload, True, block.samples)
        cursor += block.samples
    yield from _silence(cursor, total)


def _silence(start: int, end: int) -> Iterator[_Block]:
    for sample in range(start, end - SILENCE_SAMPLES + 1, SILENCE_SAMPLES):
        yield _Block(sample, SILENCE, True, SILENCE_SAMPLES)


def _picture(tracks: Sequence[_Track], timeline: Timeline) -> _Picture | None:
    mime = tracks[0].log.header.mime.lower()
    if mime not in _VIDEO_CODECS or any(track.log.header.mime.lower() != mime for track in tracks):
        kinds = ", ".join(sorted({track.log.header.mime for track in tracks}))
        raise UnsupportedMedia(f"{kinds} video cannot be copied into one WebM track; VP8 or VP9 can")
    blocks = _video_blocks(tracks, timeline.samples(SAMPLE_RATE))
    first = next(blocks, None)
    if first is None:
        return None
    width, height = _size(_VIDEO_CODECS[mime], first.payload)
    return _Picture(_VIDEO_CODECS[mime], width, height, _chain(first, blocks))


def _chain(first: _Block, rest: Iterator[_Block]) -> Iterator[_Block]:
    yield first
    yield from rest


def _video_blocks(tracks: Sequence[_Track], total: int) -> Iterator[_Block]:
    """Frames of successive logs in strictly rising time; where logs overlap, the later waits for its turn."""
    last = -1
    for track in tracks:
        header = track.log.header
        whole = True
        frames: Iterator[VideoFrame] = video_frames(track.log.records, header.clock_rate, header.mime)
        for frame in frames:
            sample = max(0, round(track.clock.seconds(frame.timestamp) * SAMPLE_RATE))
            whole = (whole or frame.keyframe) and (sample > last or sample == 0)
            if whole and sample < total:
                last = max(last + 1, sample)
                yield _Block(last, frame.payload, frame.keyframe)


def _size(codec: str, keyframe: bytes, *, most: int = _MAX_PIXELS) -> tuple[int, int]:
    """Width and height in pixels, found by decoding; 0 × 0 where it cannot be, or has more than `most`."""
    decoder = av.CodecContext.create(codec, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.options = {"max_pixels": str(most)}
    try:
        for frame in (*decoder.decode(av.Packet(keyframe)), *decoder.decode(None)):
            if isinstance(frame, av.VideoFrame):
                return frame.width, frame.height
    except av.FFmpegError:
        pass
    return 0, 0
