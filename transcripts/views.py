"""Pages of what was said: one recording's transcript, and the search through all that one may see."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import tenancy
from accounts.models import User
from meetings import selectors as meetings
from meetings.errors import NotVisible
from meetings.models import Recording
from meetings.selectors import Viewer
from transcripts import selectors
from transcripts.services.search import LONGEST_QUERY, Answers

HITS_PER_PAGE = 20


@login_required
@require_safe
def transcript(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """Who said what in a recording, with its player."""
    try:
        recording = meetings.recording_for(Viewer(user=_person(request)), recording_id)
    except NotVisible:
        raise Http404 from None
    with tenancy.scope(recording.ministry_id):
        return _transcript_page(request, recording)


def _transcript_page(request: HttpRequest, recording: Recording) -> HttpResponse:
    found = selectors.transcript_of(recording)
    files = list(recording.files.all())
    progress = selectors.progress_of(recording)
    context = {
        "recording": recording,
        "meeting": recording.meeting,
        "transcript": found,
        "turns": selectors.turns_of(found) if found else [],
        "mix": next((file for file in files if not file.identity), None),
        "speakers": [file for file in files if file.identity],
        "stage": progress.stage,
        "percent": progress.percent,
    }
    return render(request, "transcripts/transcript.html", context)


@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Passages that hold all the words asked for."""
    text = request.GET.get("q", "").strip()[:LONGEST_QUERY]
    answers = Answers(user=_person(request), text=text)
    page = Paginator(answers, HITS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "query": text,
        "searched": bool(text),
        "hits": list(page.object_list),
        "count": len(answers),
        "page_obj": page,
    }
    return render(request, "transcripts/search.html", context)


def _person(request: HttpRequest) -> User:
    """Whoever is signed in: both pages ask for that."""
    assert request.user.is_authenticated
    return request.user
