"""A meeting that is really held and recorded: its host talks through the LiveKit SDK, and presses buttons."""

import http.client
import json
import secrets
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from accounts import tenancy
from accounts.models import User
from meetings.models import Meeting, Recording
from meetings.selectors import Viewer
from meetings.services import admission
from meetings.services.recording import logs_of
from tests.e2e.portal import ROOT
from tests.e2e.speech import speech_file
from tests.faults.eye import until
from tests.faults.laying import new_meeting

TALK = ("the new building will open in the middle of september", "please share the decision with the team")
PACKETS = 2_000
"""Bytes of a log beyond which it holds packets, not only its header."""


def speech(folder: Path) -> Path:
    """What the talker says, over and over."""
    path = folder / "talk.wav"
    speech_file(TALK, "slt", path, lead=0.1, pause=0.4)
    return path


class Call:
    """One meeting of one talker, who is its host."""

    def __init__(self, host: User, title: str, wave: Path) -> None:
        self.host, self._wave = host, wave
        self.meeting: Meeting = new_meeting(host, title)
        self._cookies = signed_in(host)
        self._talker: subprocess.Popen[str] | None = None

    def come(self) -> None:
        """Returns once the microphone is on."""
        ticket, _ = admission.admit(meeting=self.meeting, viewer=Viewer(user=self.host))
        arguments = [ticket.url, ticket.token, str(self._wave)]
        command = [sys.executable, "-m", "tests.faults.talker", *arguments]
        self._talker = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._talker.stdout is not None
        if self._talker.stdout.readline().strip() != "talking":
            _, errors = self._talker.communicate(timeout=10)
            raise AssertionError(f"the SDK did not come in: {errors[-2000:]}")

    def go(self) -> None:
        """The talker's machine is switched off."""
        if self._talker is not None:
            self._talker.kill()
            self._talker.communicate()
            self._talker = None

    def talks(self) -> bool:
        """Whether the talker's program is still in the call."""
        return self._talker is not None and self._talker.poll() is None

    def press(self, action: str) -> threading.Thread:
        """Presses start or stop on the room's page; the answer may never come."""
        thread = threading.Thread(target=self._post, args=(action,), daemon=True)
        thread.start()
        return thread

    def _post(self, action: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", settings.VISIO.port, timeout=30)
        token = self._cookies["csrftoken"]
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            "X-CSRFToken": token,
            "Content-Type": "application/json",
        }
        with suppress(OSError, http.client.HTTPException):  # killed meanwhile
            connection.request(
                "POST", f"/{self.meeting.code}/recording", json.dumps({"action": action}), headers
            )
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 400:
                print(f"  {action} was answered with {answer.status}")

    def recording(self, seconds: float = 30.0) -> Recording:
        """The newest one, once it is there."""
        with tenancy.scope(self.meeting.ministry_id):
            rows = Recording.objects.filter(meeting=self.meeting)
            assert until(rows.exists, seconds), "the recording was not started"
            recording: Recording = rows.latest("started_at")
        return recording


def logs_with_packets(recording: Recording) -> list[Path]:
    return [path for path in logs_of(recording) if path.stat().st_size > PACKETS]


def wait_for_packets(recording: Recording, *, logs: int = 1, seconds: float = 60.0) -> None:
    arrived = until(lambda: len(logs_with_packets(recording)) >= logs, seconds, every=0.005)
    assert arrived, f"{len(logs_with_packets(recording))} logs with packets and not {logs}"


def wait_for_flush(recording: Recording) -> None:
    """Returns in the very millisecond in which a log has grown."""
    path = logs_with_packets(recording)[-1]
    size = path.stat().st_size
    assert until(lambda: path.stat().st_size > size, 20.0, every=0.0002), "the log does not grow"


def signed_in(user: User) -> dict[str, str]:
    """Cookies of a browser session."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {settings.SESSION_COOKIE_NAME: session.session_key, "csrftoken": secrets.token_hex(16)}
