"""The meeting's chat: stored first, then shown to everybody in the room."""

from django.db import transaction
from django.utils.translation import gettext as _

from meetings import events
from meetings.errors import BadInput, WrongState
from meetings.models import ChatMessage, Invitation, Meeting, MeetingState
from meetings.text import message

LONGEST = 4000


@transaction.atomic
def chat_send(*, meeting: Meeting, by: Invitation, text: str) -> ChatMessage:
    """Keeps a message and shows it. Raises BadInput for an empty or overlong one, WrongState afterwards."""
    if meeting.state == MeetingState.ENDED:
        raise WrongState(_("The meeting is over: nothing can be added to its chat."))
    text = message(text)
    if not text:
        raise BadInput(_("An empty message cannot be sent."))
    if len(text) > LONGEST:
        raise BadInput(_("A message has at most %(count)d characters.") % {"count": LONGEST})
    sent = ChatMessage.objects.create(meeting=meeting, identity=by.identity, name=by.name, text=text)
    events.chat_sent(sent)
    return sent
