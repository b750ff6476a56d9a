"""A token with which any LiveKit SDK of protocol v1 can join a meeting."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from accounts import tenancy
from accounts.selectors import person_by_email
from meetings.management.output import JsonCommand
from meetings.selectors import meeting_located
from meetings.services import admission
from meetings.services.meeting import guest_invite, operator_invites


class Command(JsonCommand):
    help = "Prints a join token, good for five minutes; invites the person or guest if they are not yet."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("meeting", help="a meeting's key or code")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--as", dest="email", metavar="EMAIL")
        who.add_argument("--guest", metavar="NAME")

    def answer(self, **options: Any) -> dict[str, Any]:
        meeting = meeting_located(options["meeting"])
        with tenancy.scope(meeting.ministry_id):
            if options["guest"]:
                invitation = guest_invite(meeting=meeting, name=options["guest"])
            else:
                invitation = operator_invites(meeting=meeting, user=person_by_email(options["email"]))
            return asdict(admission.issue(meeting, invitation))
