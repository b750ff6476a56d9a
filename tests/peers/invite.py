"""Meetings full of guests in a portal's data folder, and the key with which to make their tokens.

Run as a program beside the server, with its environment: ``python -m tests.peers.invite MEETINGS GUESTS``
prints JSON: {"key", "secret", "meetings": [{"room", "guests": [{"identity", "name", "role"}]}]}.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import django
from livekit import api

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Guest:
    """Someone with an invitation; `token` is as the portal makes them."""

    room: str
    identity: str
    name: str
    role: str


@dataclass(frozen=True)
class Guests:
    """Everybody who may come, by meeting."""

    key: str
    secret: str
    meetings: tuple[tuple[Guest, ...], ...]

    def token(self, guest: Guest) -> str:
        grants = api.VideoGrants(room_join=True, room=guest.room)
        token = api.AccessToken(self.key, self.secret).with_identity(guest.identity).with_name(guest.name)
        token = token.with_grants(grants).with_attributes({"role": guest.role})
        return token.with_ttl(timedelta(minutes=5)).to_jwt()


def invite(environment: Mapping[str, str], meetings: int, guests: int) -> Guests:
    """So many meetings with so many guests each, in the data folder that *environment* names."""
    command = [sys.executable, "-m", "tests.peers.invite", str(meetings), str(guests)]
    done = subprocess.run(
        command, cwd=ROOT, env=dict(environment), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    made = tuple(
        tuple(Guest(meeting["room"], **guest) for guest in meeting["guests"]) for meeting in found["meetings"]
    )
    return Guests(found["key"], found["secret"], made)


def main(meetings: int, guests: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    django.setup()
    from django.conf import settings

    made = [_meeting(number, guests) for number in range(meetings)]
    key, secret = settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET
    print(json.dumps({"key": key, "secret": secret, "meetings": made}))


def _meeting(number: int, guests: int) -> dict[str, object]:
    from accounts import tenancy
    from accounts.models import Ministry, Role, User
    from meetings.services.meeting import guest_invite, meeting_start

    ministry = Ministry.objects.get(slug="climate")
    host = User.objects.filter(memberships__ministry=ministry, memberships__role=Role.STAFF).first()
    assert host is not None
    meeting = meeting_start(host=host, ministry=ministry, title=f"Crowd {number}", spoken_language="en")
    with tenancy.scope(ministry.id):
        invited = [guest_invite(meeting=meeting, name=f"Guest {number}-{n}") for n in range(guests)]
        people = [{"identity": one.identity, "name": one.name, "role": str(one.role)} for one in invited]
    return {"room": meeting.room, "guests": people}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
