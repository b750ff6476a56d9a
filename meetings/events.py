"""What is told to the live room once a change is committed. Nobody hears of rows that rolled back."""

import json
import logging
from collections.abc import Callable
from functools import partial

from django.db import transaction

from meetings import media
from meetings.errors import MediaServerDown
from meetings.models import ChatMessage, Invitation

log = logging.getLogger("visio.events")


def chat_sent(message: ChatMessage) -> None:
    """Everybody in the room sees the message at once; it is already stored."""
    payload = json.dumps(
        {
            "id": str(message.id),
            "identity": message.identity,
            "name": message.name,
            "text": message.text,
            "sentAt": message.sent_at.isoformat(),
        }
    ).encode()
    _after_commit(
        partial(media.data_send, room=str(message.meeting_id), topic=media.CHAT_TOPIC, payload=payload)
    )


def recording_goes_on(*, room: str, prefix: str) -> None:
    """The media server came back without knowing that this room is recorded."""
    _after_commit(partial(media.recording_begin, room=room, prefix=prefix))


def recording_cut_short(*, room: str) -> None:
    """Nothing more can be recorded: the media server stops trying, and everybody sees that it has."""
    payload = json.dumps({"event": "cut-short"}).encode()
    _after_commit(partial(media.recording_end, room=room))
    _after_commit(partial(media.data_send, room=room, topic=media.RECORDING_TOPIC, payload=payload))


def meeting_deleted(*, room: str) -> None:
    """Whoever is still in the room is disconnected."""
    _after_commit(partial(media.room_end, room=room))


def participant_removed(invitation: Invitation) -> None:
    """The person is disconnected."""
    room = str(invitation.meeting_id)
    _after_commit(partial(media.participant_remove, room=room, identity=invitation.identity))


def _after_commit(call: Callable[[], None]) -> None:
    """The database is the truth: a media server that cannot be told now changes nothing of it."""

    def told() -> None:
        try:
            call()
        except MediaServerDown as error:
            log.warning("the room was not told: %s", error)

    transaction.on_commit(told)
