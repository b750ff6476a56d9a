"""The room page and the calls it makes while a meeting goes on."""

from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors as people
from accounts.models import User
from meetings import media, policies, selectors
from meetings.errors import BadInput, NotVisible, TooMany
from meetings.models import Access, ChatMessage, Invitation, Meeting, RecordingState
from meetings.policies import Standing
from meetings.services import admission, chat, recording
from meetings.services import meeting as meetings
from meetings.views import limits
from meetings.views.viewer import (
    answers_json,
    joins,
    json_body,
    located,
    remember_guest,
    sees,
    takes_part,
    text_in,
    viewer_of,
    with_meeting,
)

_HISTORY = 1000  # messages shown to whoever comes late; all of them stay on the meeting's page


@require_GET
@ensure_csrf_cookie
def room(request: HttpRequest, reference: str) -> HttpResponseBase:
    """The page; a visitor who is not signed in and not welcome as a guest is asked to sign in first."""
    try:
        return _room(request, reference)
    except Http404:
        if request.user.is_authenticated:
            raise
        return redirect_to_login(request.get_full_path())
    except TooMany as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")


@with_meeting(joins)
def _room(request: HttpRequest, meeting: Meeting, standing: Standing) -> HttpResponse:
    context = {"meeting": meeting, "room_config": room_config(request, meeting, standing)}
    return render(request, "meetings/room.html", context)


def room_config(request: HttpRequest, meeting: Meeting, standing: Standing) -> dict[str, Any]:
    """What the page's scripts need to know at the start."""
    invitation = selectors.invitation_of(meeting, viewer_of(request))
    name = invitation.name if invitation else getattr(request.user, "name", "")
    names = ("token", "chat", "recording", "consent", "people", "access", "quality")
    urls: dict[str, str | None] = {name: reverse(f"room-{name}", args=[meeting.code]) for name in names}
    urls |= {"meeting": meeting.get_absolute_url() if not standing.guest else None, "home": reverse("home")}
    return {
        "code": meeting.code,
        "title": meeting.title,
        "language": meeting.spoken_language,
        "isGuest": standing.guest,
        "name": name,
        "identity": invitation.identity if invitation else None,
        "mayRecord": policies.may_record(standing),
        "mayInvite": policies.may_invite(standing),
        "mayChange": policies.may_change(standing),
        "seesQuality": policies.may_see_connections(standing),
        "access": meeting.access,
        "recordingRunning": selectors.live_recording(meeting) is not None,
        "guestsWelcome": meeting.access == Access.LINK,
        "topics": {"chat": media.CHAT_TOPIC, "recording": media.RECORDING_TOPIC},
        "urls": urls,
    }


@require_POST
@answers_json
def token(request: HttpRequest, reference: str) -> JsonResponse:
    """Admits the person to the meeting and answers with a token that is good for five minutes."""
    body = json_body(request)
    meeting = located(request, reference)
    limits.guest_comes(request, meeting.room)
    admitted, invitation = admission.admit(
        meeting=meeting, viewer=viewer_of(request), guest_name=text_in(body, "name")
    )
    if invitation.user_id is None:
        remember_guest(request, invitation.id)
    admission.notice_answered(meeting=meeting, invitation=invitation, agreed=body.get("agreed") is True)
    return JsonResponse(
        {
            "url": admitted.url,
            "token": admitted.token,
            "room": admitted.room,
            "identity": admitted.identity,
            "name": admitted.name,
        }
    )


def _present(message: ChatMessage) -> dict[str, str]:
    return {
        "id": str(message.id),
        "identity": message.identity,
        "name": message.name,
        "text": message.text,
        "sentAt": message.sent_at.isoformat(),
    }


def _own_invitation(request: HttpRequest, meeting: Meeting) -> Invitation:
    invitation = selectors.invitation_of(meeting, viewer_of(request))
    if invitation is None:
        raise NotVisible(_("There is no such meeting."))
    return invitation


@require_http_methods(["GET", "POST"])
@answers_json
@with_meeting(takes_part)
def room_chat(request: HttpRequest, meeting: Meeting, standing: Standing) -> JsonResponse:
    if request.method == "GET":
        shown = meeting.chat if policies.may_see_chat(meeting, standing) else meeting.chat.none()
        newest = list(shown.order_by("-sent_at")[:_HISTORY])
        return JsonResponse({"messages": [_present(message) for message in reversed(newest)]})
    text = text_in(json_body(request), "text")
    message = chat.chat_send(meeting=meeting, by=_own_invitation(request, meeting), text=text)
    return JsonResponse(_present(message), status=201)


@require_POST
@answers_json
@with_meeting(takes_part)
def room_recording(request: HttpRequest, meeting: Meeting, standing: Standing) -> JsonResponse:
    action = json_body(request).get("action")
    if action == "start" and isinstance(request.user, User):
        row = recording.recording_start(meeting=meeting, by=standing, user=request.user)
    elif action == "stop":
        row = recording.recording_stop(meeting=meeting, by=standing)
    else:
        raise BadInput(_("The action is “start” or “stop”."))
    return JsonResponse({"state": RecordingState(row.state).value})


@require_POST
@answers_json
@with_meeting(takes_part)
def room_consent(request: HttpRequest, meeting: Meeting, standing: Standing) -> JsonResponse:
    agreed = json_body(request).get("agreed") is True
    admission.notice_answered(meeting=meeting, invitation=_own_invitation(request, meeting), agreed=agreed)
    return JsonResponse({})


@require_http_methods(["GET", "POST"])
@answers_json
@with_meeting(sees)
def room_people(request: HttpRequest, meeting: Meeting, standing: Standing) -> JsonResponse:
    """Colleagues who can be invited, and inviting one of them."""
    if not policies.may_invite(standing):
        raise NotVisible(_("There is no such page."))
    if request.method == "POST":
        meetings.person_invite(meeting=meeting, by=standing, user=_colleague(json_body(request)))
        return JsonResponse({"invited": True})
    invited = set(meeting.invitations.filter(revoked_at=None).values_list("user_id", flat=True))
    found = [
        {"id": str(user.id), "name": user.name, "email": user.email, "invited": user.id in invited}
        for user in people.colleagues(except_user=meeting.host)[:500]
    ]
    return JsonResponse({"people": found})


def _colleague(body: dict[str, Any]) -> User:
    try:
        user = User.objects.filter(id=UUID(str(body.get("user"))), is_active=True).first()
    except ValueError:
        user = None
    if user is None:
        raise BadInput(_("There is no such person."))
    return user


@require_POST
@answers_json
@with_meeting(sees)
def room_access(request: HttpRequest, meeting: Meeting, standing: Standing) -> JsonResponse:
    wanted = json_body(request).get("access")
    if wanted not in Access.values:
        raise BadInput(_("There is no such kind of access."))
    meetings.access_change(meeting=meeting, by=standing, access=Access(wanted))
    return JsonResponse({"access": meeting.access})
