"""Firefox over WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/): JSON messages on a WebSocket."""

import asyncio
import itertools
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

STARTING = 60.0  # seconds; a cold start on a busy machine takes ten
ANSWERING = 30.0

# Sound may play without a click; end-to-end encryption works though the page comes over plain HTTP.
_PREFERENCES: dict[str, bool | int] = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "dom.security.https_first": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "dom.min_background_timeout_value": 4,
}


class BidiError(Exception):
    """The browser's answer to a command that failed."""


class Firefox:
    """One headless Firefox with its own profile."""

    def __init__(self, profile: Path, origin: str) -> None:
        self._profile, self._origin = profile, origin
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._context = ""
        self.version = ""

    async def start(self) -> None:
        """Raises TimeoutError where the browser does not come up."""
        self._profile.mkdir(parents=True, exist_ok=True)
        chosen = {**_PREFERENCES, "dom.securecontext.allowlist": urlsplit(self._origin).hostname}
        lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in chosen.items()]
        (self._profile / "user.js").write_text("\n".join(lines))
        self._process = await asyncio.create_subprocess_exec(
            shutil.which("firefox-esr") or "firefox",
            *("--headless", "--no-remote", "--profile", str(self._profile), "--remote-debugging-port", "0"),
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self._profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
        )
        async with asyncio.timeout(STARTING):
            url = await self._address()
            self._http = aiohttp.ClientSession()
            self._socket = await self._http.ws_connect(f"{url}/session", max_msg_size=1 << 24)
            self._tasks.append(asyncio.create_task(self._read()))
            session = await self._command("session.new", {"capabilities": {}})
            self.version = session["capabilities"]["browserVersion"]
            tree = await self._command("browsingContext.getTree", {})
        self._context = tree["contexts"][0]["context"]

    async def open(self, url: str) -> None:
        await self._command(
            "browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"}
        )

    async def run(self, function: str, argument: str) -> str:
        """Calls a JavaScript function from text to text; raises BidiError with what it threw."""
        result = await self._command(
            "script.callFunction",
            {
                "functionDeclaration": function,
                "arguments": [{"type": "string", "value": argument}],
                "target": {"context": self._context},
                "awaitPromise": True,
            },
        )
        if result["type"] == "exception":
            raise BidiError(result["exceptionDetails"]["text"])
        text: str = result["result"]["value"]
        return text

    async def stop(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._http is not None:
            await self._http.close()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 10)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._profile, ignore_errors=True)

    async def _address(self) -> str:
        assert self._process is not None
        stream = self._process.stderr
        assert stream is not None
        while line := (await stream.readline()).decode(errors="replace"):
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                self._tasks.append(asyncio.create_task(_drain(stream)))
                return found[1]
        raise BidiError("Firefox ended before it listened")

    async def _command(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        assert self._socket is not None
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        try:
            reply = await asyncio.wait_for(answer, ANSWERING)
        finally:
            del self._waiting[number]
        if reply["type"] == "error":
            raise BidiError(f"{method}: {reply['error']}: {reply['message']}")
        result: dict[str, Any] = reply["result"]
        return result

    async def _read(self) -> None:
        assert self._socket is not None
        async for message in self._socket:
            reply = json.loads(message.data)
            waiting = self._waiting.get(reply.get("id"))
            if waiting is not None and not waiting.done():
                waiting.set_result(reply)


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass
