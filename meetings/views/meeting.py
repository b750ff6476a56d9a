"""The meeting's own page, before, while and after it is held; its deletion."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from meetings import policies, selectors
from meetings.models import Job, JobState, MediaFile, Meeting, Recording, RecordingState
from meetings.policies import Standing
from meetings.services import deletion
from meetings.views.viewer import sees, with_meeting


@dataclass(frozen=True)
class RecordingView:
    """A recording as the page shows it."""

    recording: Recording
    job: Job | None

    @property
    def mix(self) -> MediaFile | None:
        return next((file for file in self.recording.files.all() if not file.identity), None)

    @property
    def speakers(self) -> list[MediaFile]:
        return [file for file in self.recording.files.all() if file.identity]

    @property
    def consents(self) -> list[Any]:
        return list(self.recording.consents.all())

    @property
    def transcript(self) -> Any:
        """The transcript's row, which an app above this one keeps; None until there is one."""
        return getattr(self.recording, "transcript", None)

    @property
    def remark(self) -> str:
        """What is missing from a recording that is ready, in the reader's language; mostly empty."""
        ready = self.recording.state == RecordingState.READY
        return _(self.recording.error) if ready and self.recording.error else ""

    @property
    def stage(self) -> str:
        return self.job.stage if self.job else ""

    @property
    def percent(self) -> int | None:
        return round(self.job.progress * 100) if self.job else None


def recording_views(meeting: Meeting) -> list[RecordingView]:
    """The meeting's recordings, newest first, each with the job that works on it now."""
    # The transcript is named as its app relates it to a recording; no import goes up there.
    rows = list(meeting.recordings.select_related("transcript").prefetch_related("files", "consents"))
    running = selectors.jobs_about(row.id for row in rows).filter(
        state__in=[JobState.QUEUED, JobState.RUNNING]
    )
    jobs = {job.subject: job for job in running}
    return [RecordingView(recording=row, job=jobs.get(row.id)) for row in rows]


@login_required
@require_GET
@with_meeting(sees)
def meeting_page(request: HttpRequest, meeting: Meeting, standing: Standing) -> HttpResponse:
    content = policies.may_see_content(meeting, standing)
    attendance = policies.may_see_attendance(standing)
    context = {
        "meeting": meeting,
        "may": {
            "content": content,
            "attendance": attendance,
            "delete": policies.may_delete(standing),
            "record": policies.may_record(standing),
            "invite": policies.may_invite(standing),
            "join": policies.may_join(meeting, standing),
        },
        "recordings": recording_views(meeting) if content else [],
        "attendance": list(meeting.attendance.all()) if attendance else [],
        "chat": list(meeting.chat.all()) if content else [],
    }
    return render(request, "meetings/meeting.html", context)


@login_required
@require_GET
@with_meeting(policies.may_see_content)
def progress(request: HttpRequest, meeting: Meeting, standing: Standing) -> JsonResponse:
    return JsonResponse({"recordings": [_progress(view) for view in recording_views(meeting)]})


def _progress(view: RecordingView) -> dict[str, Any]:
    transcript = view.transcript
    now = {"stage": view.stage, "percent": view.percent}
    return {
        "id": str(view.recording.id),
        "state": view.recording.state,
        **now,
        "transcript": {"state": transcript.state, **now} if transcript else None,
    }


@login_required
@require_http_methods(["GET", "POST"])
@with_meeting(lambda meeting, standing: policies.may_delete(standing))
def delete(request: HttpRequest, meeting: Meeting, standing: Standing) -> HttpResponse:
    if request.method == "POST":
        title = meeting.title
        deletion.meeting_delete(meeting=meeting, by=standing)
        messages.success(
            request, _("“%(title)s” was deleted with everything that belonged to it.") % {"title": title}
        )
        return redirect("home")
    views = recording_views(meeting)
    context = {
        "meeting": meeting,
        "recordings": len(views),
        "transcripts": sum(1 for view in views if view.transcript),
    }
    return render(request, "meetings/meeting_delete.html", context)
