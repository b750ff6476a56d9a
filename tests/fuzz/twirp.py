"""LiveKit's server API: any body of either encoding for any method, by somebody with every right; any header.

The first byte chooses method, encoding, and whether the rest is the body or the Authorization.
"""

import json
from collections.abc import Iterator

from livekit.protocol.models import ParticipantPermission
from livekit.protocol.room import CreateRoomRequest, SendDataRequest, UpdateParticipantRequest

from tests.fuzz import signalling
from tests.meetings.relay.stage import Client, bearer

_METHODS = (
    *("CreateRoom", "ListRooms", "DeleteRoom", "ListParticipants", "GetParticipant", "RemoveParticipant"),
    *("MutePublishedTrack", "UpdateParticipant", "UpdateSubscriptions", "SendData", "UpdateRoomMetadata"),
    *("StartTrackEgress", "StopEgress", "ListEgress", "NoSuchMethod"),
)
_HEADER, _JSON = 0x80, 0x40
_rights = bearer(room_admin=True, room="r", room_create=True, room_list=True, room_record=True, hidden=False)


def run(data: bytes) -> None:
    if not signalling._scene:
        signalling._scene.append(signalling._Scene())
    scene = signalling._scene[0]
    scene.loop.run_until_complete(_call(scene, data[0] if data else 0, data[1:]))
    assert not scene.alarm.rung, scene.alarm.rung.pop()


close = signalling.close


async def _call(scene: signalling._Scene, choice: int, rest: bytes) -> None:
    await Client(scene.relay).join(scene.bearers["ann"])
    name = _METHODS[(choice & 0x3F) % len(_METHODS)]
    service = "Egress" if "Egress" in name else "RoomService"
    kind = "application/json" if choice & _JSON else "application/protobuf"
    header, body = (rest.decode("latin-1"), b"") if choice & _HEADER else (_rights, rest)
    status, answered, content = await scene.relay.twirp(
        f"/twirp/livekit.{service}/{name}", header, body, kind
    )
    assert status in (200, 400, 401, 403, 404, 412, 429, 501), (status, content)
    if status != 200:
        assert set(json.loads(content)) == {"code", "msg"}
    elif answered == "application/json":
        json.loads(content)
    assert len(content) < 1 << 20
    await scene._clear()
    scene.relay._rooms.revocations._until.clear()


def seeds() -> Iterator[bytes]:
    bodies = {
        0: CreateRoomRequest(name="r", empty_timeout=1, metadata="m", max_participants=2),
        7: UpdateParticipantRequest(
            room="r", identity="ann", name="n", permission=ParticipantPermission(can_publish=True)
        ),
        9: SendDataRequest(room="r", data=b"x", topic="t", destination_identities=["ann"]),
    }
    for number, body in bodies.items():
        yield bytes((number,)) + body.SerializeToString()
    named = b'{"room": "r", "identity": "ann", "trackSid": "TR_x", "muted": true, "names": ["r"]}'
    for number in range(len(_METHODS)):
        yield bytes((number | _JSON,)) + named
    yield bytes((11 | _JSON,)) + b'{"roomName": "r", "trackId": "TR_x", "file": {"filepath": "a/b"}}'
    yield bytes((1 | _HEADER | _JSON,)) + b"Bearer x.y.z"
