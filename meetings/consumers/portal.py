"""What a relay of this deployment is told and may ask, wherever it runs."""

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError

from meetings.errors import MeetingsError, NotAllowed
from meetings.relay.errors import Refused
from meetings.relay.interface import JoinClaims
from meetings.relay.server import RelayConfig, TurnServers
from meetings.services import admission, recording


class PortalAnswers:
    """What the relay asks of the portal, answered from the database."""

    async def admit(self, claims: JoinClaims) -> None:
        try:
            await database_sync_to_async(admission.verify)(
                room=claims.room,
                identity=claims.identity,
                name=claims.name,
                role=claims.attributes.get("role", ""),
            )
        except NotAllowed as refusal:
            raise Refused(status=403, public="not allowed", reason=str(refusal)) from None
        except (OperationalError, InterfaceError) as error:  # whoever is in the call stays in it meanwhile
            raise Refused(status=503, public="try again", reason=f"no database: {error}") from None

    async def recording_key(self, room: str, egress_id: str) -> bytes:
        try:
            return await database_sync_to_async(recording.running_key)(room=room)
        except MeetingsError as error:
            raise Refused(status=403, public="not allowed", reason=str(error)) from None
        except (OperationalError, InterfaceError) as error:
            raise Refused(status=503, public="try again", reason=f"no database: {error}") from None


def relay_config(*, udp_port: int | None = None) -> RelayConfig:
    """From the settings; *udp_port* instead of theirs, since each of several relays has its own."""
    told = settings.VISIO
    port = told.udp_port if udp_port is None else udp_port
    # Nobody can be told beforehand of a port that is chosen by chance, and the pages' own is taken.
    tcp = told.media_tcp and port not in (0, told.port if settings.MEDIA_EMBEDDED else 0)
    return RelayConfig(
        api_key=settings.MEDIA_SERVER_KEY,
        api_secret=settings.MEDIA_SERVER_SECRET,
        media_addresses=told.media_addresses,
        udp_port=port,
        tcp=tcp,
        turn=TurnServers(told.turn.urls, told.turn.secret) if told.turn.urls else None,
        recordings_dir=settings.RECORDINGS_DIR,
        webhook_urls=(settings.MEDIA_WEBHOOK_URL,),
        plane=told.forwarding.plane,
        gso=told.forwarding.gso,
    )
