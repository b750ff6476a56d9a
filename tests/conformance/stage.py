"""The relay under the conformance run, and everyone who meets on it."""

import itertools
import os
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from livekit import api

from meetings.relay.interface import RelayLimits
from meetings.relay.participant import Participant
from meetings.relay.room import Room
from meetings.relay.server import RelayConfig
from tests.meetings.relay.adapter import KEY, SECRET, Front, OpenPortal
from tests.meetings.relay.impairer import Impairer

from .chromium import Chromium
from .client import Browser, BrowserClient, Client
from .firefox import Firefox
from .pages import pages
from .sdk import SdkClient
from .wire import TappedRelay, Wire

MEDIA_ADDRESS = "10.77.0.1"
# "auto" is native where it was built.
PLANE = os.environ.get("VISIO_RELAY_PLANE", "auto")
BROWSERS: MappingProxyType[str, Any] = MappingProxyType({"chromium": Chromium, "firefox": Firefox})


class Stage:
    """One relay, one client under test (`sdk`, `chromium` or `firefox`), any number of rooms.

    All media pass the impairer; all signalling is in `wire`.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self._folder = kind, folder
        self.front, self.portal, self.wire = Front(), OpenPortal(), Wire()
        self.people: list[Client] = []
        self._numbers = itertools.count(1)
        self._tokens: dict[str, str] = {}
        self.browser: Browser | None = None

    async def start(self) -> None:
        limits = RelayLimits(token_refresh=3.0, consent=6.0, departure_timeout=1)
        config = RelayConfig(
            KEY,
            SECRET,
            (MEDIA_ADDRESS,),
            self._folder / "recordings",
            bind="127.0.0.1",
            limits=limits,
            plane=PLANE,
        )
        self.url = await self.front.listen(MEDIA_ADDRESS, pages())
        self.relay = TappedRelay(config, self.portal)
        self.relay.wire = self.wire
        self.front.relay = self.relay
        await self.relay.start()
        self.impairer = Impairer(MEDIA_ADDRESS, self.relay.udp_port)
        await self.impairer.start()
        self.livekit = api.LiveKitAPI(self.url, KEY, SECRET)
        if self.kind in BROWSERS:
            self.browser = BROWSERS[self.kind](self._folder / "profile", self.url)
            await self.browser.start()
            await self.browser.open(f"{self.url}/page.html")

    async def stop(self) -> None:
        for person in self.people:
            await person.leave()
        if self.browser is not None:
            await self.browser.stop()
        await self.livekit.aclose()
        await self.relay.stop()
        await self.impairer.stop()
        await self.front.close()

    async def version(self) -> str:
        """What is under test, in words."""
        if self.browser is None:
            return f"livekit {metadata.version('livekit')}"
        library = await self.browser.run("(text) => window.version()", "")
        return f"livekit-client {library} in {self.kind.title()} {self.browser.version}"

    def room_name(self) -> str:
        return f"room-{next(self._numbers)}"

    async def enter(self, where: str, identity: str, *, partner: bool = False, **options: Any) -> Client:
        """Lets somebody in: the client under test, or (`partner`) an SDK client to meet it."""
        unique = f"{identity}-{where}"
        if partner or self.browser is None:
            person: Client = SdkClient(unique)
        else:
            person = BrowserClient(self.browser, unique)
        self.people.append(person)
        bearer = self._tokens.setdefault(unique, token(unique, where))
        await person.join(self.url.replace("http", "ws"), bearer, **options)
        return person

    def room(self, name: str) -> Room:
        return next(room for room in self.relay._rooms if room.name == name)

    def participant(self, client: Client) -> Participant:
        """The relay's side of a client."""
        return next(
            room.people[client.identity] for room in self.relay._rooms if client.identity in room.people
        )

    def cut(self, client: Client) -> None:
        """The socket breaks; everything else of the client stays as it was."""
        outbox = self.participant(client).outbox
        assert outbox is not None
        outbox.finish(1011)


def token(identity: str, room: str) -> str:
    grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
    made = api.AccessToken(KEY, SECRET).with_identity(identity).with_name(identity.title())
    return made.with_grants(grants).to_jwt()
