"""Simulcast, and what receivers wish for."""

import itertools
import time
from collections.abc import Callable

import pytest

from ..client import HIGH, LOW, MEDIUM, BrowserClient, until
from ..scene import Call, advances, events, line, meet, stands_still, width
from ..stage import Stage
from ..wire import Headers, Packet

Note = Callable[[str], None]


@line("Simulcast", "rid layers")
async def test_rid_layers(stage: Stage, call: Call) -> None:
    """Three layers arrive from the client, under their rids."""
    track = stage.room(call.room).find_track(call.my_camera)
    assert track is not None
    assert track.order == ["q", "h", "f"]
    await until(lambda: len(track.live_layers(time.monotonic())) == 3)
    described = sorted((layer.quality, layer.width) for layer in track.info.layers)
    assert [quality for quality, _ in described] == [LOW, MEDIUM, HIGH]


@line("Simulcast", "each layer at its size")
@pytest.mark.long
async def test_each_layer_at_its_size(stage: Stage, call: Call) -> None:
    """The other decodes each of the client's three layers, at three sizes."""
    found = []
    for quality in (LOW, MEDIUM, HIGH):
        await call.ben.quality(call.my_camera, quality)
        before = found[-1] if found else 0

        async def wider(than: int = before) -> bool:
            now = await width(call.ben, call.my_camera)
            return than < now < 960 if quality != HIGH else now == 960  # noqa: B023

        await until(wider)
        found.append(await width(call.ben, call.my_camera))
    assert found == sorted(set(found))


@line("Simulcast", "switching at keyframes")
async def test_switching_at_keyframes(stage: Stage, call: Call) -> None:
    """Each switch brings a keyframe under the same SSRC, no packet is missed, pictures go on."""
    before = (await call.me.received())[call.bens_camera]
    for quality in (LOW, HIGH, MEDIUM, HIGH):
        await call.me.quality(call.bens_camera, quality)
        await until(lambda: _at(call, quality))  # noqa: B023
        await advances(call.me, call.bens_camera)
    after = (await call.me.received())[call.bens_camera]
    assert after.keyframes >= before.keyframes + 4
    assert after.ssrc == before.ssrc
    assert after.lost <= before.lost


async def _at(call: Call, quality: int) -> bool:
    pixels = await width(call.me, call.bens_camera)
    return {LOW: 0 < pixels < 400, MEDIUM: 400 < pixels < 900, HIGH: pixels == 960}[quality]


@line("Simulcast", "sequence numbers and timestamps rewritten")
@pytest.mark.long
async def test_numbers_and_timestamps(stage: Stage, call: Call) -> None:
    """On the wire to the client, across switches: one SSRC, no gap in the numbers, time at 90 kHz."""
    headers = Headers((await call.me.received())[call.bens_camera].ssrc)
    stage.impairer.loses_down = headers
    try:
        for quality in (LOW, HIGH):
            await call.me.quality(call.bens_camera, quality)
            await until(lambda: _at(call, quality))  # noqa: B023
            await advances(call.me, call.bens_camera)
    finally:
        stage.impairer.loses_down = lambda data: False
    packets = _in_order(headers.packets)
    assert len(packets) > 10
    assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(packets)} == {1}
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(packets)]
    assert all(step < 90_000 * 3 for step in steps)  # neither backwards nor far ahead
    media, wall = sum(steps) / 90_000, packets[-1].at - packets[0].at
    assert abs(media - wall) < 1.0


def _in_order(packets: list[Packet]) -> list[Packet]:
    """Without retransmissions, by number."""
    first = packets[0].sequence
    once = {(packet.sequence - first) & 0xFFFF: packet for packet in reversed(packets)}
    return [once[number] for number in sorted(once) if number < 0x8000]


@line("Simulcast", "picture ids rewritten")
@pytest.mark.long
async def test_picture_ids(stage: Stage, call: Call) -> None:
    """After a switch delta frames are decoded without another keyframe: their references hold."""
    await call.me.quality(call.bens_camera, LOW)
    await until(lambda: _at(call, LOW))
    await call.me.quality(call.bens_camera, HIGH)
    await until(lambda: _at(call, HIGH))
    before = (await call.me.received())[call.bens_camera]
    await advances(call.me, call.bens_camera, by=8)
    after = (await call.me.received())[call.bens_camera]
    assert after.keyframes <= before.keyframes + 1
    assert after.frames - before.frames >= 8


@line("Simulcast", "sender reports rewritten")
async def test_sender_reports(stage: Stage, call: Call) -> None:
    """Reports count the packets of the forwarded stream, and carry a clock of today."""

    async def reported() -> bool:
        now = (await call.me.received())[call.bens_camera]
        return (
            0 < now.reported <= now.packets + now.lost + 50 and abs(now.reportedAt / 1000 - time.time()) < 10
        )

    await until(reported)
    first = (await call.me.received())[call.bens_camera].reported
    await until(lambda: _more_reported(call, first))


async def _more_reported(call: Call, than: int) -> bool:
    return (await call.me.received())[call.bens_camera].reported > than


@line("Out", "subscribed_quality_update")
async def test_subscribed_quality_update(stage: Stage, call: Call) -> None:
    """The publisher is told which layers anybody watches."""
    mark = stage.wire.mark()
    me = call.me.identity
    await call.ben.quality(call.my_camera, LOW)
    (told, *_) = await until(lambda: stage.wire.heard(me, "subscribed_quality_update", mark))
    enabled = {each.quality: each.enabled for each in told.subscribed_qualities}
    assert enabled == {LOW: True, MEDIUM: False, HIGH: False}
    await call.ben.quality(call.my_camera, HIGH)
    await until(lambda: len(stage.wire.heard(me, "subscribed_quality_update", mark)) >= 2)


@line("Wishes", "dynacast")
async def test_dynacast(stage: Stage, second_call: Call) -> None:
    """A client with dynacast stops the layers that nobody watches, and starts them again."""
    call, sid = second_call, second_call.my_camera
    track = stage.room(call.room).find_track(sid)
    assert track is not None
    await until(lambda: len(track.live_layers(time.monotonic())) == 3)
    await call.ben.quality(sid, LOW)
    await until(lambda: [layer.rid for layer in track.live_layers(time.monotonic())] == ["q"])
    await advances(call.ben, sid)
    await call.ben.quality(sid, HIGH)
    await until(lambda: len(track.live_layers(time.monotonic())) == 3)
    await until(lambda: _is(call.ben, sid, 960))


async def _is(client: object, sid: str, pixels: int) -> bool:
    return await width(client, sid) == pixels  # type: ignore[arg-type]


@line("Wishes", "adaptive stream")
async def test_adaptive_stream(stage: Stage, second_call: Call) -> None:
    """A small element gets a small layer, a hidden one nothing, a large one the best."""
    if stage.browser is None:
        pytest.skip("not offered by this client")
    call, me, sid = second_call, second_call.me, second_call.bens_camera
    assert isinstance(me, BrowserClient)
    await until(lambda: _between(call, sid, 0, 400))
    await me.act("element", sid=sid, width=900, height=506, shown=True)
    await until(lambda: _between(call, sid, 900, 1000))
    mark = stage.wire.mark()
    await me.act("element", sid=sid, width=900, height=506, shown=False)
    try:
        await until(
            lambda: any(each.disabled for each in stage.wire.said(me.identity, "track_setting", mark))
        )
        await stands_still(me, sid)
    finally:
        await me.act("element", sid=sid, width=160, height=90, shown=True)
    await until(lambda: _between(call, sid, 0, 400))
    await advances(me, sid)


async def _between(call: Call, sid: str, low: int, high: int) -> bool:
    return low < await width(call.me, sid) < high


@line("Wishes", "a size in pixels")
@pytest.mark.long
async def test_a_size_in_pixels(stage: Stage, call: Call, note: Note) -> None:
    """The layer that fills the size which the client names is sent."""
    from livekit.protocol.rtc import UpdateTrackSettings

    from ..client import NotOffered

    try:
        await call.me.size(call.bens_camera, 200, 112)
    except NotOffered:
        note("raw message in the client's session: it has no call for it")
        small = UpdateTrackSettings(track_sids=[call.bens_camera], width=200, height=112)
        await stage.wire.inject(call.me.identity, track_setting=small)
    await until(lambda: _at(call, LOW))
    await call.me.quality(call.bens_camera, HIGH)
    await until(lambda: _at(call, HIGH))


@line("Wishes", "subscription changes")
async def test_subscription_changes(stage: Stage) -> None:
    """Who does not subscribe by itself gets only what it asks for, and gives it up again."""
    call = await meet(stage, mine={"autoSubscribe": False})
    sid = await call.ben.publish_microphone()
    await until(lambda: _known(call, sid))
    assert not list(stage.participant(call.me).subscriptions)
    await call.me.subscribe(sid, True)
    await until(lambda: _packets(call, sid))
    await call.me.subscribe(sid, False)
    await until(lambda: not list(stage.participant(call.me).subscriptions))
    await until(lambda: events(call.me, "track_unsubscribed"))
    await call.leave()


async def _known(call: Call, sid: str) -> bool:
    return sid in await call.bens_at_mine()


async def _packets(call: Call, sid: str) -> bool:
    found = (await call.me.received()).get(sid)
    return found is not None and found.packets > 10
