"""People who come and go every second: some stay, some leave, some vanish, some come back."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable

import aiohttp

from tests.peers.invite import Guest, Guests
from tests.peers.person import LightPerson

log = logging.getLogger("visio.soak")

STAY = (4.0, 12.0)  # seconds
ENDINGS = ("leave", "leave", "vanish", "return", "lose socket")


class Churn:
    """Brings somebody every `every` seconds into one of the meetings. ``outcomes`` counts how it went.

    Two thirds go to the first meeting, which is never empty; the others to two that empty in turns.
    """

    def __init__(self, url: str, guests: Guests, *, every: float = 1.0, seed: int = 4) -> None:
        self._url, self._guests, self._every = url, guests, every
        self._random = random.Random(seed)
        self._here: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.joins = 0
        self.outcomes: Counter[str] = Counter()

    async def run(self, seconds: float, sample: Callable[[], None], every: float) -> None:
        """For so long; calls `sample` from time to time, in a thread."""
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession() as http:
            began = coming = sampling = loop.time()
            while loop.time() < began + seconds:
                if loop.time() >= coming:
                    coming += self._every
                    self._bring(http, loop.time() - began)
                if loop.time() >= sampling:
                    sampling += every
                    await asyncio.to_thread(sample)
                await asyncio.sleep(max(0.0, min(coming, sampling) - loop.time()))
            await asyncio.gather(*self._tasks)

    def _bring(self, http: aiohttp.ClientSession, at: float) -> None:
        number = 0 if self._random.random() < 0.67 else 1 + int(at // 60) % 2
        free = [guest for guest in self._guests.meetings[number] if guest.identity not in self._here]
        guest = self._random.choice(free)
        task = asyncio.create_task(self._attend(http, guest))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, http: aiohttp.ClientSession, guest: Guest) -> None:
        self._here.add(guest.identity)
        person = LightPerson(http, self._url, self._guests.token(guest))
        try:
            await person.join()
            self.joins += 1
            await self._stay(person, self._random.choice(ENDINGS))
        except Exception as error:
            self.outcomes[f"failed: {type(error).__name__}"] += 1
            log.warning("%s failed: %r, heard %s", guest.name, error, dict(person.heard), exc_info=True)
            await person.vanish()
        finally:
            self._here.discard(guest.identity)

    async def _stay(self, person: LightPerson, ending: str) -> None:
        stay = self._random.uniform(*STAY)
        await asyncio.sleep(stay / 2)
        if ending == "return":
            await person.come_back()
        await asyncio.sleep(stay / 2)
        heard, unreadable = person.transport.decrypted, person.transport.unreadable
        self.outcomes["heard others" if heard else "heard nobody"] += 1
        self.outcomes["packets not decrypted"] += unreadable
        if ending == "vanish":
            await person.vanish()
        elif ending == "lose socket":  # the media goes on for a while, the signalling does not
            await person.lose_socket()
            await asyncio.sleep(2)
            await person.vanish()
        else:
            await person.leave()
        self.outcomes[ending] += 1
