"""Lays a meeting with its host and a guest into a portal's data folder, quicker than the demo.

Run as a program beside the server, with its environment; prints what the tests need as one JSON object.
"""

import json
import os
import sys
from dataclasses import asdict

import django

HOST = "hugo@climate.example"
PASSWORD = "correct-horse-battery"


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    django.setup()
    from accounts import tenancy
    from accounts.models import Role
    from accounts.services import ministry_ensure, person_ensure
    from meetings.models import Invitation
    from meetings.services import admission
    from meetings.services.meeting import guest_invite, meeting_start

    ministry = ministry_ensure(slug="climate", name="Ministry of Climate", spoken_language="en")
    host = person_ensure(ministry=ministry, email=HOST, name="Hugo", password=PASSWORD, role=Role.STAFF)
    meeting = meeting_start(host=host, ministry=ministry, title="Budget")
    with tenancy.scope(ministry.id):
        invited = Invitation.objects.select_related("user").get(meeting=meeting, user=host)
        guest = guest_invite(meeting=meeting, name="Ben")
        people = [asdict(admission.issue(meeting, who)) for who in (invited, guest)]
    json.dump({"code": meeting.code, "host": HOST, "people": people}, sys.stdout)


if __name__ == "__main__":
    main()
