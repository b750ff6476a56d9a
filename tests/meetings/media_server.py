"""A small media server that speaks LiveKit's server API over real HTTP and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from livekit import api
from livekit.protocol import models

_REQUESTS = {
    "CreateRoom": api.CreateRoomRequest,
    "ListRooms": api.ListRoomsRequest,
    "DeleteRoom": api.DeleteRoomRequest,
    "SendData": api.SendDataRequest,
    "RemoveParticipant": api.RoomParticipantIdentity,
    "ListEgress": api.ListEgressRequest,
    "GetRoom": api.ListParticipantsRequest,
    "GetParticipant": api.RoomParticipantIdentity,
}


class TwirpRefusal(Exception):
    """Answered with 404 and this of Twirp's codes."""


@dataclass
class FakeMediaServer:
    """``rooms`` are open, ``writing`` are running egresses, ``calls`` holds (method, request) in order.

    The rooms are being recorded while ``recording``.
    ``figures`` are those of everybody in a room, as our relay gives them; None: it is none of ours.
    While ``broken`` it answers everything with 503. ``meanwhile`` runs while it is asked.
    """

    url: str = ""
    rooms: set[str] = field(default_factory=set)
    writing: set[str] = field(default_factory=set)
    calls: list[tuple[str, Message]] = field(default_factory=list)
    broken: bool = False
    recording: bool = True
    figures: list[dict[str, Any]] | None = None
    meanwhile: Callable[[str], None] = lambda method: None

    def asked(self, method: str) -> list[Message]:
        return [request for name, request in self.calls if name == method]

    def _room(self, name: str) -> models.Room:
        return models.Room(name=name, active_recording=self.recording)

    def answer(self, method: str, body: bytes) -> Message:
        request = _REQUESTS[method].FromString(body)
        self.calls.append((method, request))
        self.meanwhile(method)
        match method:
            case "CreateRoom":
                return models.Room(name=request.name)
            case "ListRooms":
                return api.ListRoomsResponse(rooms=[self._room(name) for name in self.rooms])
            case "ListEgress":
                return api.ListEgressResponse(items=[api.EgressInfo(egress_id=key) for key in self.writing])
            case "GetRoom":
                return _struct(room=request.room, participants=self._figures(request.room))
            case "GetParticipant":
                return self._figures_of(request.room, request.identity)
            case _:
                return api.DeleteRoomResponse()

    def _figures(self, room: str) -> list[dict[str, Any]]:
        if self.figures is None or room not in self.rooms:
            raise TwirpRefusal("bad_route" if self.figures is None else "not_found")
        return self.figures

    def _figures_of(self, room: str, identity: str) -> Struct:
        for person in self._figures(room):
            if person["identity"] == identity:
                return _struct(**person)
        raise TwirpRefusal("not_found")


def _struct(**content: Any) -> Struct:
    answer = Struct()
    answer.update(content)
    return answer


@contextmanager
def fake_media_server() -> Iterator[FakeMediaServer]:
    """Serves until the block ends."""
    state = FakeMediaServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if state.broken:
                self.send_error(503)
                return
            status, kind = 200, "application/protobuf"
            try:
                answer = state.answer(self.path.rsplit("/", 1)[-1], body).SerializeToString()
            except TwirpRefusal as refusal:
                status, kind = 404, "application/json"
                answer = json.dumps({"code": str(refusal), "msg": "refused"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            self.send_error(503 if state.broken else 200)

        def log_message(self, format: str, *args: object) -> None:
            """Tests read ``calls`` instead."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
