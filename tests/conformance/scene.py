"""A call that most lines share: the client under test and an SDK partner, both with camera and microphone."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from .client import SIMULCAST, Client, Picture, until
from .stage import Stage


def line(group: str, name: str) -> pytest.MarkDecorator:
    """The row of the table that a test fills; its docstring says what is shown."""
    return pytest.mark.line(group=group, name=name)


@dataclass
class Call:
    """`me` is under test. Cameras and microphones are track sids, empty where there is none."""

    stage: Stage
    room: str
    me: Client
    ben: Client
    my_camera: str = ""
    my_microphone: str = ""
    bens_camera: str = ""
    bens_microphone: str = ""

    async def publish(self, picture: Picture = SIMULCAST) -> "Call":
        """Everything from both, once it is seen and heard at the other end."""
        self.my_camera = await self.me.publish_camera(picture)
        self.my_microphone = await self.me.publish_microphone()
        self.bens_camera = await self.ben.publish_camera(picture)
        self.bens_microphone = await self.ben.publish_microphone()
        await advances(self.me, self.bens_camera)
        await advances(self.ben, self.my_camera)
        return self

    async def mine_at_bens(self) -> dict[str, Any]:
        """My tracks, as Ben sees them."""
        tracks: dict[str, Any] = (await self.ben.seen())["people"][self.me.identity]["tracks"]
        return tracks

    async def bens_at_mine(self) -> dict[str, Any]:
        """Ben's tracks, as I see them."""
        tracks: dict[str, Any] = (await self.me.seen())["people"][self.ben.identity]["tracks"]
        return tracks

    async def leave(self) -> None:
        await self.me.leave()
        await self.ben.leave()


async def meet(
    stage: Stage, *, mine: dict[str, Any] | None = None, bens: dict[str, Any] | None = None
) -> Call:
    """Two people in a new room, who publish nothing yet."""
    room = stage.room_name()
    me = await stage.enter(room, "me", **(mine or {}))
    ben = await stage.enter(room, "ben", partner=True, **(bens or {}))
    await until(lambda: _sees(me, ben))
    return Call(stage, room, me, ben)


async def _sees(me: Client, other: Client) -> bool:
    return other.identity in (await me.seen())["people"]


async def frames(client: Client, sid: str) -> int:
    found = (await client.received()).get(sid)
    return found.frames if found is not None else 0


async def advances(client: Client, sid: str, by: int = 3) -> None:
    """More pictures are decoded than now; a new subscription counts from its own beginning."""
    first = (await client.received()).get(sid)

    async def more() -> bool:
        now = (await client.received()).get(sid)
        before = first.frames if first and now and first.ssrc == now.ssrc else 0
        return now is not None and now.frames >= before + by

    await until(more)


async def stands_still(client: Client, sid: str) -> None:
    """No more pictures are decoded, but one perhaps that was on its way."""
    await asyncio.sleep(0.3)
    before = await frames(client, sid)
    await asyncio.sleep(0.7)
    assert await frames(client, sid) <= before + 1


async def width(client: Client, sid: str) -> int:
    found = (await client.received()).get(sid)
    return found.width if found is not None else 0


async def events(client: Client, name: str) -> list[str]:
    """What came with each event of this name; `a_b` and `aB` are one name."""
    wanted = name.replace("_", "").lower()
    return [text for each, text in (await client.seen())["events"] if each.replace("_", "").lower() == wanted]
