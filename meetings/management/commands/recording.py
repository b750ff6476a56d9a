"""Starts or stops a meeting's recording, in the name of its host."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import tenancy
from accounts.selectors import person_by_email
from meetings import selectors
from meetings.management.output import JsonCommand
from meetings.selectors import Viewer
from meetings.services.recording import recording_start, recording_stop


class Command(JsonCommand):
    help = "Starts or stops the recording of a live meeting; the server must be running."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("action", choices=["start", "stop"])
        parser.add_argument("meeting", help="a meeting's key or code")
        parser.add_argument("--as", dest="email", metavar="EMAIL", required=True)

    def answer(self, **options: Any) -> dict[str, Any]:
        meeting = selectors.meeting_located(options["meeting"])
        user = person_by_email(options["email"])
        with tenancy.scope(meeting.ministry_id):
            standing = selectors.standing(meeting, Viewer(user=user))
            if options["action"] == "start":
                recording = recording_start(meeting=meeting, by=standing, user=user)
            else:
                recording = recording_stop(meeting=meeting, by=standing)
        return {"recording": str(recording.id), "meeting": str(meeting.id), "state": recording.state}
