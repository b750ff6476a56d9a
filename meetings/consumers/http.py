"""What all these edges share: reading a scope, and refusing what no honest client sends."""

from typing import Any
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer


def query(scope: Any, name: str) -> str:
    """The first value of a query parameter, empty where there is none."""
    return parse_qs(scope["query_string"].decode("ascii", "replace")).get(name, [""])[0]


def header(scope: Any, wanted: bytes) -> str:
    """The first header of that lower-case name, empty where there is none."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def token(scope: Any) -> str:
    """Browsers cannot set headers on a WebSocket: the token comes in the query, or as a bearer token."""
    return query(scope, "access_token") or header(scope, b"authorization").removeprefix("Bearer ").strip()


class NoSuchSocket(AsyncConsumer):
    """Any other WebSocket address: refused, quietly."""

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.close"})
        raise StopConsumer


class BoundedHttpConsumer(AsyncHttpConsumer):
    """Gathers a request's body only as far as an honest client needs; answers 413 beyond that."""

    largest_body = 1024 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gathered = 0

    async def http_request(self, message: dict[str, Any]) -> None:
        self._gathered += len(message.get("body", b""))
        if self._gathered > self.largest_body:
            await self.send_response(413, b"too large")
            raise StopConsumer
        await super().http_request(message)
