"""What a client is told first."""

from collections.abc import Sequence
from typing import Final

from livekit.protocol.models import Codec, ServerInfo
from livekit.protocol.rtc import ICEServer, JoinResponse

from meetings.relay.participant import Participant
from meetings.relay.room import Room

# The server version LiveKit clients are told; it says which of their features to expect.
VERSION: Final = "1.9.0"
PROTOCOL: Final = 16
PING_INTERVAL: Final = 5
PING_TIMEOUT: Final = 15
_CODECS: Final = ("video/VP8", "video/H264", "video/VP9", "video/AV1", "audio/opus")


def welcome(
    room: Room, person: Participant, sif_trailer: bytes, ice_servers: Sequence[ICEServer]
) -> JoinResponse:
    """The first message of a session (LiveKit clients wait 5 s for it)."""
    return JoinResponse(
        room=room.snapshot(),
        participant=person.info,
        other_participants=[other.info for other in room.visible(but=person)],
        server_version=VERSION,
        server_info=server_info(),
        ice_servers=ice_servers,
        subscriber_primary=False,
        ping_interval=PING_INTERVAL,
        ping_timeout=PING_TIMEOUT,
        fast_publish=True,
        sif_trailer=sif_trailer,
        enabled_publish_codecs=[Codec(mime=mime) for mime in _CODECS],
    )


def server_info() -> ServerInfo:
    """Who answers; LiveKit clients log it."""
    return ServerInfo(version=VERSION, protocol=PROTOCOL, region="", node_id="visio")
