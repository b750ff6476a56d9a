"""What is tried on a full disk; each scene gives what came of it, `test_full_disk.py` judges."""

import errno
import http.client
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts import tenancy
from accounts.models import User
from meetings import media
from meetings.models import Job, Recording
from meetings.recording.log import read_log
from meetings.recording.mix import mix_sound
from meetings.recording.sound import decode_track, write_wav
from meetings.recording.webm import remux_participant
from meetings.services import processing, storage
from meetings.services.passing import passes
from meetings.services.recording import logs_of
from tests.faults import calls, checking, laying
from tests.faults.eye import SqliteEye, until
from tests.faults.server import Server


class Filler:
    """A file that takes all the room there is, but for so many bytes."""

    def __init__(self, data: Path, *, leave: int = 0) -> None:
        self._path = data / "filler"
        with self._path.open("wb", buffering=0) as file:
            for block in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        file.write(bytes(block))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
            file.truncate(max(0, file.tell() - leave))

    def remove(self) -> None:
        self._path.unlink()


def _open(room: str) -> dict[str, bool]:
    return media.rooms_open([room], at=settings.MEDIA_SERVER_URL)


def call_on_full_disk(server: Server, folder: Path) -> dict[str, Any]:
    """The disk becomes full while somebody talks and is recorded."""
    host = User.objects.get(email="alice.martin@climate.example")
    call = calls.Call(host, "full disk", calls.speech(folder))
    call.come()
    call.press("start").join(30)
    recording = call.recording()
    calls.wait_for_packets(recording)
    time.sleep(2.0)
    filler, full_at = Filler(server.data), time.time()
    room = call.meeting.room
    ended = until(lambda: not _open(room).get(room, True), 20.0, every=0.1)
    told = {
        "recording_ended": ended,
        "room_goes_on": room in _open(room) and call.talks(),
        "operator": [line for line in server.log if "No space left" in line],
        "readable_to": _heard_until(recording, full_at),
    }
    filler.remove()
    eye = SqliteEye(server.data / "visio.sqlite3")
    told["finished"] = until(lambda: eye.look(recording.id).finished, 90.0, every=0.1)
    recording.refresh_from_db()
    call.go()
    eye.close()
    return {
        "call": {**told, "state": recording.state, "remark": recording.error, "problems": _files(recording)}
    }


def _heard_until(recording: Recording, full_at: float) -> float:
    """Seconds between the last packet in the log and the moment in which the disk was full."""

    (path,) = calls.logs_with_packets(recording)
    return float(full_at - read_log(path, storage.key_unseal(recording)).ended_wall_ns / 1e9)


def _files(recording: Recording) -> list[str]:

    with tenancy.scope(recording.ministry_id):
        return checking.files(recording)


def work_on_full_disk(server: Server) -> dict[str, Any]:
    """The disk has room for rows, and none for files: first not for remuxing, then not for speech."""

    eye, said = SqliteEye(server.data / "visio.sqlite3"), laying.voices()
    found = {
        "files": _waiting(server, eye, said, leave=120_000),
        "speech": _waiting(server, eye, said, leave=400_000),
    }
    eye.close()
    return found


def _waiting(server: Server, eye: SqliteEye, said: laying.Said, *, leave: int) -> dict[str, Any]:
    """What a recording's jobs do while there are so many bytes left, and after that."""
    laid = laying.lay(f"{leave} bytes left", said)
    recording = laid.recording
    filler = Filler(server.data, leave=leave)
    laid.tell()

    def waits() -> bool:
        seen = eye.look(recording.id)
        return "retrying" in (seen.files.stage, seen.speech.stage)

    found: dict[str, Any] = {"waits": until(waits, 60.0, every=0.01)}
    with tenancy.scope(recording.ministry_id):
        row = Job.objects.filter(subject=recording.id).latest("created_at")
        filler.remove()
        found |= {"job": row.name, "error": row.error, "attempts": row.attempts}
        found["finished"] = until(lambda: eye.look(recording.id).finished, 90.0, every=0.05)
        recording.refresh_from_db()
        stored = checking.transcribed(recording, eye)
        found["turns"] = len(stored.turns)
        found["problems"] = checking.problems(recording, eye, expected=stored, host=said[0][0])
    return found


def pages_on_full_disk(server: Server) -> dict[str, Any]:
    """Statuses of a page that writes: on a full disk, and after it."""

    cookies = calls.signed_in(User.objects.get(email="ben.fischer@climate.example"))
    filler = Filler(server.data)
    full = [_write(server.port, cookies) for _ in range(40)]
    filler.remove()
    after = _write(server.port, cookies)
    failed = [text for status, text in full if status == 503]
    return {
        "pages": {
            "full": sorted({status for status, _ in full}),
            "text": failed[-1] if failed else "",
            "after": after[0],
        }
    }


def _write(port: int, cookies: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-CSRFToken": cookies["csrftoken"],
        "Accept-Language": "en",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    form = "spoken_language=en&access=invited&title=" + "x" * 150
    connection.request("POST", "/meetings/start", form, headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def files_on_full_disk(small: Path) -> dict[str, Any]:
    """Each writer of files by itself on a disk of a few kilobytes: the error it raises, what it leaves."""

    laid = laying.lay("by hand", laying.voices())
    answers = {}
    with tenancy.scope(laid.recording.ministry_id):
        key, paths = storage.key_unseal(laid.recording), logs_of(laid.recording)
        timeline = processing.timeline_of(laid.recording, processing.track_logs(laid.recording, key))
    writers = {
        "remux": lambda: remux_participant(paths[:1], key, timeline, small / "a.webm", lambda done: None),
        "mix": lambda: mix_sound(paths, key, timeline, small / "b.webm", lambda done: None),
        "wav": lambda: write_wav(small / "c.wav", decode_track(paths[0], key, timeline), 16_000),
    }
    for name, write in writers.items():
        try:
            write()
            answers[name] = "it seemed to go well"
        except Exception as error:
            answers[name] = "passes" if passes(error) else f"{type(error).__name__}: {error}"
    return {"by_hand": {**answers, "left": sorted(path.name for path in small.iterdir())}}
