"""Who is asking, and which meeting they ask about: the first lines of every view."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _

from accounts import tenancy
from accounts.models import User
from meetings import policies, selectors
from meetings.errors import BadInput, MeetingsError, NotVisible
from meetings.models import Meeting
from meetings.policies import Standing
from meetings.selectors import Viewer
from meetings.views import limits

_GUEST_KEY = "guest_invitations"
LARGEST_BODY = 64 * 1024


def signed_in(request: HttpRequest) -> User:
    """The person of a request that a login_required view let through."""
    assert request.user.is_authenticated
    return request.user


def viewer_of(request: HttpRequest) -> Viewer:
    """The signed-in person, or the guest this browser session has been so far."""
    if request.user.is_authenticated:
        return Viewer(user=request.user)
    kept = request.session.get(_GUEST_KEY, [])
    return Viewer(guest_invitations=frozenset(UUID(key) for key in kept))


def remember_guest(request: HttpRequest, invitation_id: UUID) -> None:
    """Keeps a guest's invitation in the session, so that a reload is the same guest."""
    kept = [key for key in request.session.get(_GUEST_KEY, []) if key != str(invitation_id)]
    request.session[_GUEST_KEY] = [*kept, str(invitation_id)][-20:]


def located(request: HttpRequest, reference: str) -> Meeting:
    """The meeting that the request's address names. Raises NotVisible, or TooMany to who guesses codes."""
    limits.require_codes_left(request)
    try:
        return selectors.meeting_located(reference)
    except NotVisible:
        limits.wrong_code(request)
        raise


MeetingView = Callable[..., HttpResponseBase]


def with_meeting(allowed: Callable[[Meeting, Standing], bool]) -> Callable[[MeetingView], MeetingView]:
    """Finds the meeting, enters its ministry and asks *allowed*; anything else is answered 404.

    The view is called with ``(request, meeting, standing)``.
    """

    def decorate(view: MeetingView) -> MeetingView:
        @wraps(view)
        def found(request: HttpRequest, reference: Any, **rest: Any) -> HttpResponseBase:
            try:
                meeting = located(request, str(reference))
            except NotVisible:
                raise Http404 from None
            with tenancy.scope(meeting.ministry_id):
                standing = selectors.standing(meeting, viewer_of(request))
                if not allowed(meeting, standing):
                    raise Http404
                return view(request, meeting, standing, **rest)

        return found

    return decorate


def sees(meeting: Meeting, standing: Standing) -> bool:
    return policies.may_see(standing)


def joins(meeting: Meeting, standing: Standing) -> bool:
    return policies.may_join(meeting, standing)


def takes_part(meeting: Meeting, standing: Standing) -> bool:
    return standing.invited


def answers_json(view: MeetingView) -> MeetingView:
    """Maps this app's errors to ``{"error": sentence}`` with the error's status."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except MeetingsError as error:
            return JsonResponse({"error": str(error)}, status=error.status)

    return answered


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The request's JSON object. Raises BadInput."""
    if len(request.body) > LARGEST_BODY:
        raise BadInput(_("The request is too large."))
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):  # the latter from brackets nested by the thousand
        body = None
    if not isinstance(body, dict):
        raise BadInput(_("A JSON object was expected."))
    return body


def text_in(body: dict[str, Any], key: str) -> str:
    """The text under *key*, empty where there is none. Raises BadInput for anything that is no text."""
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(_("“%(key)s” must be a text.") % {"key": key})
    return value
