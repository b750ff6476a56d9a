"""A relay whose GIL can be held: `python -m tests.bench.held_process PLANE ADDRESS` prints its URL.

`GET /hold` lets a thread hold the GIL for two seconds and answers how long the event loop stood still, in
seconds. The process ends with its standard input.
"""

import asyncio
import ctypes
import sys
import time
from pathlib import Path

from aiohttp import web

from meetings.relay.server import RelayConfig
from tests.meetings.relay.adapter import KEY, SECRET, Front, OpenPortal, started

HELD = 2  # seconds


async def hold(request: web.Request) -> web.Response:
    holder = asyncio.create_task(asyncio.to_thread(ctypes.PyDLL(None).sleep, HELD))
    longest, last = 0.0, time.monotonic()
    while not holder.done():
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return web.json_response(longest)


async def main(plane: str, address: str) -> None:
    front = Front()
    url = await front.listen(address, {"/hold": hold})
    config = RelayConfig(
        api_key=KEY,
        api_secret=SECRET,
        media_addresses=(address,),
        recordings_dir=Path("/dev/null"),
        plane=plane,
    )
    relay = await started(front, config, OpenPortal())
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await relay.stop()
    await front.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
