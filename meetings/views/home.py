"""The home page: start a meeting, join one, find the last ones."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.policies import may_host
from meetings import selectors
from meetings.errors import MeetingsError
from meetings.forms import CodeForm, StartForm
from meetings.models import Access
from meetings.services import meeting as meetings
from meetings.views.viewer import signed_in


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(
    request: HttpRequest, *, start: StartForm | None = None, code: CodeForm | None = None, status: int = 200
) -> HttpResponse:
    membership = request.membership  # type: ignore[attr-defined]
    ministry = membership.ministry if membership else None
    initial = {"spoken_language": ministry.spoken_language if ministry else "fr"}
    context = {
        "start_form": start or StartForm(initial=initial),
        "code_form": code or CodeForm(),
        "meetings": selectors.meetings_with_recordings(signed_in(request)),
        "may_host": may_host(membership),
        "ministry": ministry,
    }
    return render(request, "meetings/home.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":  # a reload after a form with a mistake
        return redirect("home")
    membership = request.membership  # type: ignore[attr-defined]
    form = StartForm(request.POST)
    if not form.is_valid() or membership is None:
        return _page(request, start=form, status=400)
    try:
        meeting = meetings.meeting_start(
            host=signed_in(request),
            ministry=membership.ministry,
            title=form.cleaned_data["title"],
            spoken_language=form.cleaned_data["spoken_language"],
            access=Access(form.cleaned_data["access"]),
        )
    except MeetingsError as error:
        messages.error(request, str(error))
        return _page(request, start=form, status=error.status)
    return redirect("room", meeting.code)


@require_http_methods(["GET", "POST"])
def join_by_code(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return redirect("home")
    form = CodeForm(request.POST)
    if form.is_valid():
        return redirect("room", form.cleaned_data["code"])
    if request.user.is_authenticated:
        return _page(request, code=form, status=400)
    messages.error(request, _("A code looks like abc-defg-hjk."))
    return redirect("account_login")
