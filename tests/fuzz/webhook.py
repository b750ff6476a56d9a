"""The portal's webhook address: any body and Authorization, and any event under a valid signature.

A first byte chooses: 0, the bytes are header and body, split at the first line end; else they are
the body of a rightly signed request, in which ROOM stands for a real room.
"""

import os
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import MessageToJson
from livekit.protocol.egress import EgressInfo, TrackEgressRequest
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.webhook import WebhookEvent

_ready: list[Any] = []


def _portal() -> tuple[Any, Any, str]:
    """Django on a database of its own with one meeting: (view, request factory, room)."""
    if not _ready:
        _ready.extend(_prepared())
    view, factory, room = _ready
    return view, factory, room


def close() -> None:
    """Another test has another database."""
    _ready.clear()


def _prepared() -> tuple[Any, Any, str]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
    from django.test import RequestFactory

    from meetings import webhooks

    return webhooks.livekit, RequestFactory(), _meeting()


def _meeting() -> str:
    from accounts.models import Role
    from accounts.services import ministry_ensure, person_ensure
    from meetings.services.meeting import meeting_start

    ministry = ministry_ensure(slug="fuzz", name="Ministry of Fuzz", spoken_language="en")
    host = person_ensure(
        ministry=ministry, email="f@fuzz.example", name="Fay", password="correct-horse", role=Role.STAFF
    )
    made = meeting_start(host=host, ministry=ministry, title="Fuzz", spoken_language="en")
    return str(made.room)


def run(data: bytes) -> None:
    from django.conf import settings
    from django.db import transaction

    from meetings.relay.signalling import ApiKey

    view, factory, room = _portal()
    body, header = data[1:].replace(b"ROOM", room.encode()), None
    if data[:1] == b"\0":
        header, _, body = (
            part.decode("latin-1") if n == 0 else part for n, part in enumerate(_split(data[1:]))
        )
    key = ApiKey(settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET)
    authorization = key.sign_body(body) if header is None else header
    request = factory.post("/livekit/webhook", body, content_type="application/webhook+json")
    request.META["HTTP_AUTHORIZATION"] = authorization
    with transaction.atomic():
        answer = view(request)
        transaction.set_rollback(True)
    assert answer.status_code in (200, 400, 401), answer.status_code
    assert len(answer.content) < 200


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    return data.partition(b"\n")


def seeds() -> Iterator[bytes]:
    person = ParticipantInfo(identity="guest-1", name="Ann", sid="PA_1", joined_at=1)
    room = Room(name="ROOM", sid="RM_1")
    names = ("room_started", "participant_joined", "participant_left", "room_finished", "track_published")
    for number, name in enumerate(names):
        event = WebhookEvent(
            event=name, id=f"EV_{number}", created_at=1_700_000_000, room=room, participant=person
        )
        yield b"\1" + MessageToJson(event, indent=None).encode()
    for name in ("egress_started", "egress_ended"):
        info = EgressInfo(egress_id="EG_1", room_name="ROOM", track=TrackEgressRequest(track_id="TR_1"))
        yield (
            b"\1" + MessageToJson(WebhookEvent(event=name, id="EV_9", egress_info=info), indent=None).encode()
        )
    yield b"\0Bearer x.y.z\n{}"
