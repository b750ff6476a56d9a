"""The page that a browser under test has open, and livekit-client beside it.

``python -m tests.conformance.pages HOST PORT`` serves them by themselves.
"""

import sys
from pathlib import Path

from aiohttp import web

ROOT = Path(__file__).resolve().parent
LIBRARY = ROOT.parents[1] / "node_modules" / "livekit-client" / "dist"


def pages() -> dict[str, object]:
    """Handlers by path."""

    async def page(request: web.Request) -> web.FileResponse:
        return web.FileResponse(ROOT / request.path.lstrip("/"))

    async def library(request: web.Request) -> web.FileResponse:
        return web.FileResponse(LIBRARY / request.match_info["name"])

    return {
        "/page.html": page,
        "/page.mjs": page,
        "/sources.mjs": page,
        r"/lib/{name:[\w.-]+\.mjs}": library,
    }


def main(host: str, port: int) -> None:
    app = web.Application()
    for path, handler in pages().items():
        app.router.add_get(path, handler)  # type: ignore[arg-type]
    web.run_app(app, host=host, port=port, print=None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
