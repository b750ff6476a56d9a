"""A browser on another machine: started there as a program, told what to do on standard input.

``python -m tests.blocked.caller chromium|firefox FOLDER ORIGIN``. It opens the page of the conformance run.
Each line in is a text for the page's ``act``; each line out is ``{"answer": …}`` or ``{"error": …}``, the
first one once the page is there.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.conformance.chromium import Chromium
from tests.conformance.firefox import Firefox

_KINDS: dict[str, Any] = {"chromium": Chromium, "firefox": Firefox}


async def main(kind: str, folder: Path, url: str) -> None:
    browser = _KINDS[kind](folder / "profile", url)
    try:
        await browser.start()
        await browser.open(f"{url}/page.html")
        _say(answer=browser.version)
        while line := await asyncio.to_thread(sys.stdin.readline):
            try:
                _say(answer=await browser.run("(text) => window.act(text)", line.rstrip("\n")))
            except Exception as error:
                _say(error=str(error))
    finally:
        await browser.stop()


def _say(**message: str) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
