"""What a media server tells the portal: signed, acted upon once."""

import logging
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from livekit import api
from livekit.protocol.webhook import WebhookEvent

from accounts import tenancy
from meetings import selectors
from meetings.errors import NotVisible
from meetings.models import Meeting, WebhookReceipt
from meetings.services import attendance, recording
from meetings.services import meeting as meetings

log = logging.getLogger("visio.webhooks")

# The year 3000 in Unix seconds; later ones are no times, and the year 10000 is no date.
_LATEST = 32_503_680_000


@csrf_exempt
@require_POST
def livekit(request: HttpRequest) -> HttpResponse:
    """Takes one event. 401 for a wrong signature, 400 for what cannot be kept; events about rooms that are no
    meeting are ignored."""
    verifier = api.TokenVerifier(settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET)
    try:
        event = api.WebhookReceiver(verifier).receive(
            request.body.decode(), request.headers.get("Authorization", "").removeprefix("Bearer ")
        )
    except Exception as error:
        log.warning("webhook refused: %s", error)
        return HttpResponse(status=401)
    if not _can_be_kept(event):
        log.warning("webhook %r cannot be kept", event.event[:40])
        return HttpResponse(status=400)
    _take(event)
    return HttpResponse(status=200)


def _can_be_kept(event: WebhookEvent) -> bool:
    """Whether times are dates and texts fit their columns: a database would answer with an error."""
    person, egress = event.participant, event.egress_info
    bounds = (
        (event.id, 80),
        (person.identity, 80),
        (person.name, 120),
        (person.sid, 40),
        (egress.egress_id, 60),
        (egress.track.track_id, 60),
        (egress.track.file.filepath, 200),
    )
    dated = 0 <= event.created_at < _LATEST
    return dated and all(len(text) <= most and "\0" not in text for text, most in bounds)


def _take(event: WebhookEvent) -> None:
    room = event.room.name or event.egress_info.room_name
    try:
        meeting = selectors.meeting_located(room)
    except NotVisible:
        return
    with tenancy.scope(meeting.ministry_id):
        try:
            with transaction.atomic():
                WebhookReceipt.objects.create(event_id=event.id)
                # Read anew: events are taken by several processes at once, and a meeting may be deleted.
                if current := Meeting.objects.select_for_update().filter(id=meeting.id).first():
                    _act(event, current)
        except IntegrityError:
            if not WebhookReceipt.objects.filter(event_id=event.id).exists():
                raise


def _act(event: WebhookEvent, meeting: Meeting) -> None:
    at = datetime.fromtimestamp(event.created_at or datetime.now(UTC).timestamp(), UTC)
    person = event.participant
    who: dict[str, Any] = {"identity": person.identity, "name": person.name, "sid": person.sid, "at": at}
    match event.event:
        case "room_started":
            meetings.room_opened(meeting=meeting)
            recording.room_opened(meeting=meeting)
        case "participant_joined":
            meetings.room_opened(meeting=meeting)
            attendance.participant_joined(meeting=meeting, **who)
        case "participant_left":
            attendance.participant_left(meeting=meeting, **who)
        case "room_finished":
            attendance.everybody_left(meeting=meeting, came_by=at)
            # Told late, of a room before this one: the meeting goes on.
            if not attendance.somebody_is_in(meeting=meeting):
                meetings.room_closed(meeting=meeting)
                recording.room_gone(meeting=meeting)
        case "egress_started":
            recording.track_started(meeting=meeting, **_egress(event))
        case "egress_ended":
            size = sum(result.size for result in event.egress_info.file_results)
            error = event.egress_info.error
            recording.track_ended(meeting=meeting, size=size, error=error, **_egress(event))


def _egress(event: WebhookEvent) -> dict[str, str]:
    info = event.egress_info
    path = f"{info.track.file.filepath}/{info.track.track_id}.vlog"
    return {"egress_id": info.egress_id, "track_sid": info.track.track_id, "path": path}
