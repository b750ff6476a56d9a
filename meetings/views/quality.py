"""How well people are connected, for the call page: asked of the media server each time, kept nowhere."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from meetings import connections, policies, selectors
from meetings.connections import Connection
from meetings.models import Meeting
from meetings.policies import Standing
from meetings.views.viewer import answers_json, takes_part, viewer_of, with_meeting


@require_GET
@never_cache
@answers_json
@with_meeting(takes_part)
def room_quality(request: HttpRequest, meeting: Meeting, standing: Standing) -> JsonResponse:
    """Everybody's connection for those who lead the meeting, one's own for the others."""
    if policies.may_see_connections(standing):
        found = connections.connections_in(room=meeting.room)
    else:
        found = _own(request, meeting)
    return JsonResponse({"people": [_present(one) for one in found]})


def _own(request: HttpRequest, meeting: Meeting) -> list[Connection]:
    invitation = selectors.invitation_of(meeting, viewer_of(request))
    if invitation is None:
        return []
    own = connections.connection_of(room=meeting.room, identity=invitation.identity)
    return [] if own is None else [own]


def _present(one: Connection) -> dict[str, Any]:
    return {
        "identity": one.identity,
        "up": asdict(one.up),
        "down": asdict(one.down),
        "roundTrip": one.round_trip,
        "paused": one.paused,
    }
