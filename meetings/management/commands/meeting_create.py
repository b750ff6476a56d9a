"""Makes a meeting from the command line."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.urls import reverse

from accounts.models import Ministry
from accounts.selectors import person_by_email
from meetings.errors import BadInput
from meetings.management.output import JsonCommand
from meetings.services.meeting import meeting_start


class Command(JsonCommand):
    help = "Makes a meeting of a ministry, held by one of its people."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--ministry", required=True, metavar="SLUG")
        parser.add_argument("--host", required=True, metavar="EMAIL")
        parser.add_argument("--title", required=True)
        parser.add_argument(
            "--language", choices=["en", "fr"], help="spoken; the ministry's own if not given"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        ministry = Ministry.objects.filter(slug=options["ministry"]).first()
        if ministry is None:
            raise BadInput(f"There is no ministry “{options['ministry']}”.")
        meeting = meeting_start(
            host=person_by_email(options["host"]),
            ministry=ministry,
            title=options["title"],
            spoken_language=options["language"],
        )
        url = settings.VISIO.address + reverse("room", args=[meeting.code])
        return {"id": str(meeting.id), "code": meeting.code, "url": url}
