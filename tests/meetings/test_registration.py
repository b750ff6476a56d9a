"""Several relays behind one portal: each room is on one of them, whatever happens to them and when."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import F
from livekit import api
from livekit.protocol import models, rtc

from meetings import placements
from meetings.consumers import Registration, SignalForwarder, forwarding
from meetings.models import Placement
from meetings.models import Relay as RelayRow
from meetings.relay.interface import RelayLimits
from meetings.relay.server import Listener, Relay, RelayConfig, application
from meetings.services import placing, relays
from tests.meetings.relay.adapter import KEY, SECRET, OpenPortal

pytestmark = pytest.mark.django_db(transaction=True)

BEAT = 0.05


class Member:
    """One relay of several, in this process. It dies without a word, or hangs and comes back."""

    def __init__(self, folder: Path, kept: float) -> None:
        limits = RelayLimits(linger=0.0, departure_timeout=0, resume=0.1)
        config = RelayConfig(KEY, SECRET, ("127.0.0.1",), folder, bind="127.0.0.1", limits=limits)
        self.company = Registration(OpenPortal(), beat=BEAT, kept=kept)
        self.relay = Relay(config, self.company)
        self.drained = asyncio.Event()
        self._listener = Listener(application(self.relay))
        self._listener._runner._shutdown_timeout = 0.01
        self._standing = AsyncExitStack()

    async def start(self) -> None:
        await self.relay.start()
        self.port = await self._listener.listen("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self.port}"
        company = self.company.registered(self.relay, self.address, self.drained.set)
        await self._standing.enter_async_context(company)

    async def die(self) -> None:
        """Its heart stops and its port is closed; its row stays, and was last heard of a while ago."""
        self.hang()
        await self._listener.close()
        await in_thread(_silence, self.company._id)

    def hang(self) -> None:
        """As a stopped process: what is connected stays so, and nothing is done."""
        assert self.company._task is not None
        self.company._task.cancel()

    def go_on(self) -> None:
        self.company._task = asyncio.create_task(self.company._beat())

    async def stop(self) -> None:
        await self._standing.aclose()
        await self.relay.stop()
        await self._listener.close()

    def people(self, room: str = "r") -> Collection[str]:
        found = next((live for live in self.relay._rooms if live.name == room), None)
        return list(found.people) if found else []


def _silence(relay: UUID) -> None:
    RelayRow.objects.filter(id=relay).update(seen_at=F("seen_at") - timedelta(minutes=1))


async def in_thread(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await database_sync_to_async(call)(*args, **kwargs)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def members(tmp_path: Path, settings: Any) -> AsyncIterator[list[Member]]:
    settings.MEDIA_REGISTERED = True
    settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET = KEY, SECRET
    made = [Member(tmp_path, kept=0.2) for _ in range(2)]
    for member in made:
        await member.start()
    before = forwarding._watch_every
    forwarding._watch_every = BEAT
    yield made
    await forwarding.close()
    forwarding._watch_every = before
    for member in made:
        await member.stop()
    await in_thread(connections.close_all)  # Channels' communicators keep them open


def path(identity: str = "ann", room: str = "r") -> str:
    grants = api.VideoGrants(room_join=True, room=room)
    token = api.AccessToken(KEY, SECRET).with_identity(identity).with_grants(grants).to_jwt()
    request = rtc.JoinRequest(client_info=models.ClientInfo(protocol=16))
    wrapped = rtc.WrappedJoinRequest(join_request=request.SerializeToString()).SerializeToString()
    return f"/rtc/v1?access_token={token}&join_request={base64.urlsafe_b64encode(wrapped).decode()}"


async def join(identity: str = "ann", room: str = "r") -> WebsocketCommunicator:
    """By the portal, as everybody."""
    socket = WebsocketCommunicator(SignalForwarder.as_asgi(), path(identity, room))
    assert (await socket.connect(timeout=10))[0]
    return socket


async def closed(socket: WebsocketCommunicator) -> tuple[int, list[rtc.SignalResponse]]:
    """The code, and everything that came before."""
    came = []
    while (told := await socket.receive_output(timeout=10))["type"] != "websocket.close":
        came.append(rtc.SignalResponse.FromString(told["bytes"]))
    return told["code"], came


def one_of(members: list[Member], room: str = "r") -> tuple[Member, Member]:
    """The relay that has the room, and the other."""
    holding = [member for member in members if member.people(room)]
    assert len(holding) == 1
    return holding[0], next(member for member in members if member is not holding[0])


async def test_everybody_of_a_room_is_on_one_relay_however_many_come_at_once(members: list[Member]) -> None:
    rooms = ["r", "s", "t"]
    coming = [join(f"p{number}", room) for number in range(8) for room in rooms]
    sockets = await asyncio.gather(*coming)
    for room in rooms:
        assert sorted(one_of(members, room)[0].people(room)) == [f"p{number}" for number in range(8)]
    await asyncio.gather(*(socket.disconnect() for socket in sockets))


async def test_whoever_comes_to_the_wrong_relay_is_told_to_try_again(members: list[Member]) -> None:
    socket = await join()
    _, other = one_of(members)
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(other.address + path("ben"))
    assert refused.value.status == 503
    assert not other.people()
    await socket.disconnect()


async def test_strangers_place_no_rooms(members: list[Member]) -> None:
    forged = WebsocketCommunicator(
        SignalForwarder.as_asgi(), path().replace("access_token=e", "access_token=f")
    )
    assert not (await forged.connect(timeout=10))[0]
    assert not await in_thread(Placement.objects.exists)


async def test_a_dead_relays_people_meet_again_on_the_other(members: list[Member]) -> None:
    sockets = [await join("ann"), await join("ben")]
    dead, other = one_of(members)
    await dead.die()
    assert [(await closed(socket))[0] for socket in sockets] == [1012, 1012]
    again = await asyncio.gather(join("ann"), join("ben"))
    assert sorted(other.people()) == ["ann", "ben"]
    for socket in again:
        await socket.disconnect()


async def test_a_relay_that_was_given_up_and_lives_sends_everybody_away_and_registers_anew(
    members: list[Member],
) -> None:
    socket = await join()
    holder, _ = one_of(members)
    before = holder.company._id
    await in_thread(relays.relay_left, relay=before)  # as by a portal that thought it dead
    _, told = await closed(socket)
    leaves = [message.leave.action for message in told if message.HasField("leave")]
    assert leaves in ([rtc.LeaveRequest.Action.RECONNECT], [])  # the portal may have closed first
    await until(lambda: not holder.relay.rooms and holder.company._id not in (None, before))
    again = await join()
    one_of(members)
    await again.disconnect()


async def test_a_relay_that_hung_and_comes_back_does_not_serve_a_room_that_is_elsewhere(
    members: list[Member],
) -> None:
    """Ann's socket stays open on it: nobody told it that she went. She and Ben are on the other by then."""
    async with aiohttp.ClientSession() as http:
        first = await join("zoe")
        holder, other = one_of(members)
        direct = await http.ws_connect(holder.address + path("ann"))
        holder.hang()
        await in_thread(_silence, holder.company._id)
        assert await in_thread(placing.relay_is_gone, relay=holder.company._id, answers=False)
        assert (await closed(first))[0] == 1012  # by the portal, which looks where rooms are
        sockets = [await join("ann"), await join("ben")]
        assert sorted(other.people()) == ["ann", "ben"]
        assert "ann" in holder.people()
        holder.go_on()
        await until(lambda: not holder.relay.rooms)
        while (message := await direct.receive(10)).type == aiohttp.WSMsgType.BINARY:
            last = rtc.SignalResponse.FromString(message.data)
        assert last.leave.action == rtc.LeaveRequest.Action.RECONNECT
        assert sorted(other.people()) == ["ann", "ben"]
        for socket in sockets:
            await socket.disconnect()


async def test_a_hung_relays_sockets_are_closed_without_anybody_asking(
    members: list[Member], settings: Any
) -> None:
    """It still accepts connections and answers none, as a stopped process does."""
    socket = await join()
    holder, _ = one_of(members)
    holder.hang()
    await in_thread(RelayRow.objects.filter(id=holder.company._id).update, address="http://127.0.0.1:9")
    await in_thread(_silence, holder.company._id)
    assert (await closed(socket))[0] == 1012
    assert holder.company._id not in [row.id for row in await in_thread(placements.living)]


async def test_a_drained_relay_keeps_its_room_takes_no_other_and_ends(members: list[Member]) -> None:
    ann = await join("ann")
    draining, other = one_of(members)
    await in_thread(relays.relay_drain, name=f"127.0.0.1:{draining.port}")
    await until(lambda: draining.company._draining)
    ben, carl = await join("ben"), await join("carl", "s")
    assert sorted(draining.people()) == ["ann", "ben"]
    assert other.people("s") == ["carl"]
    assert not draining.drained.is_set()
    for socket in (ann, ben):
        await socket.disconnect()
    await until(draining.drained.is_set)
    assert not other.drained.is_set()
    await carl.disconnect()


async def test_a_room_placed_on_a_relay_that_drains_meanwhile_is_opened_elsewhere(
    members: list[Member],
) -> None:
    """Its first person was on the way; a draining relay opens no room."""
    place = await in_thread(placing.room_place, room="r")
    holder = next(member for member in members if member.company._id == place.relay)
    await in_thread(relays.relay_drain, name=f"127.0.0.1:{holder.port}")
    await until(lambda: holder.company._draining)
    socket = await join()
    assert one_of(members)[0] is not holder
    await socket.disconnect()


async def test_a_relay_that_is_told_to_stop_gives_its_rooms_away_first(members: list[Member]) -> None:
    socket = await join()
    holder, other = one_of(members)
    stopping = asyncio.create_task(holder._standing.aclose())
    await closed(socket)
    again = await join()
    assert other.people() == ["ann"]
    await stopping
    await again.disconnect()


async def test_a_room_that_ends_and_begins_again_is_never_in_two_places(
    tmp_path: Path, members: list[Member]
) -> None:
    """Rooms are released as soon as they may be, while the next person is on the way in."""
    for member in members:
        member.company._kept = 0.0

    async def come_and_go(identity: str) -> None:
        for _ in range(20):
            socket = await join(identity)
            holding = [member for member in members if identity in member.people()]
            assert len(holding) == 1
            where = (await in_thread(placements.places, ["r"]))["r"]
            assert where.address == holding[0].address
            await socket.send_to(bytes_data=rtc.SignalRequest(leave=rtc.LeaveRequest()).SerializeToString())
            await socket.disconnect()
            for room in holding[0].relay._rooms:
                if not room.people:  # as its sweeper would, within a second
                    await holding[0].relay._rooms.end(room, models.DisconnectReason.ROOM_CLOSED)

    watcher = asyncio.create_task(_never_in_two_places(members))
    await asyncio.gather(come_and_go("ann"), come_and_go("ben"))
    watcher.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watcher


async def _never_in_two_places(members: list[Member]) -> None:
    while True:
        assert sum("r" in member.relay.rooms for member in members) <= 1
        await asyncio.sleep(0)


async def test_what_was_placed_and_is_not_used_is_released(members: list[Member]) -> None:
    await in_thread(placing.room_place, room="r")
    async with asyncio.timeout(10):
        while await in_thread(Placement.objects.exists):
            await asyncio.sleep(BEAT)


def test_a_relay_that_portals_could_not_reach_does_not_start(settings: Any) -> None:
    settings.MEDIA_REGISTERED = True
    with pytest.raises(CommandError, match="--address"):
        call_command("relay", bind="0.0.0.0")


async def test_while_there_is_no_relay_a_client_waits_for_one(members: list[Member]) -> None:
    for member in members:
        await member._standing.aclose()
    waiting = asyncio.create_task(join())
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await members[0]._standing.enter_async_context(
        members[0].company.registered(members[0].relay, members[0].address, members[0].drained.set)
    )
    socket = await waiting
    assert members[0].people() == ["ann"]
    await socket.disconnect()
