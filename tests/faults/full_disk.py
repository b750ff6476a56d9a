"""What happens on a full disk, on a real one: a tmpfs of a few megabytes that is Visio's data folder.

``unshare --mount python -m tests.faults.full_disk FOLDER`` mounts it at FOLDER, plays everything through once
and prints what came of it as JSON; ``test_full_disk.py`` judges that.
"""

import errno
import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import django

from tests.e2e.portal import environment, free_port

SIZE, SMALL = "48m", "24k"


def main(folder: Path) -> dict[str, Any]:
    data, small = folder / "data", folder / "small"
    for path, size in ((data, SIZE), (small, SMALL)):
        path.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(path)], check=True
        )
    port = free_port()
    os.environ.update(environment(data, port))
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    from tests.faults.server import Server

    server = Server(data, port)
    server.start()
    django.setup()
    try:
        return {**_call(server, folder), **_work(server), **_pages(server), **_by_hand(small)}
    finally:
        server.kill()


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
                    assert error.errno == errno.ENOSPC
            file.truncate(max(0, file.tell() - leave))

    def remove(self) -> None:
        self._path.unlink()


def _call(server: Any, folder: Path) -> dict[str, Any]:
    """The disk becomes full while somebody talks and is recorded."""
    from accounts.models import User
    from meetings import media
    from tests.faults import calls
    from tests.faults.eye import SqliteEye, until

    host = User.objects.get(email="alice.martin@climate.example")
    call = calls.Call(host, "full disk", calls.speech(folder))
    call.come()
    call.press("start").join(30)
    recording = call.recording()
    calls.wait_for_packets(recording)
    time.sleep(2.0)
    filler, full_at = Filler(server.data), time.time()
    room = call.meeting.room
    ended = until(lambda: not media.rooms_open([room]).get(room, True), 20.0, every=0.1)
    told = {
        "recording_ended": ended,
        "room_goes_on": room in media.rooms_open([room]) and call.talks(),
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


def _heard_until(recording: Any, full_at: float) -> float:
    """Seconds between the last packet in the log and the moment in which the disk was full."""
    from meetings.recording.log import read_log
    from meetings.services import storage
    from tests.faults.calls import logs_with_packets

    (path,) = logs_with_packets(recording)
    return float(full_at - read_log(path, storage.key_unseal(recording)).ended_wall_ns / 1e9)


def _files(recording: Any) -> list[str]:
    from accounts import tenancy
    from tests.faults import checking

    with tenancy.scope(recording.ministry_id):
        return checking.files(recording)


def _work(server: Any) -> dict[str, Any]:
    """The disk has room for rows, and none for files: first not for remuxing, then not for speech."""
    from accounts import tenancy
    from meetings.models import Job
    from tests.faults import checking, laying
    from tests.faults.eye import SqliteEye, until

    eye, said, answers = SqliteEye(server.data / "visio.sqlite3"), laying.voices(), {}
    for name, leave, job in (("files", 120_000, "files"), ("speech", 400_000, "speech")):
        laid = laying.lay(name, said)
        filler = Filler(server.data, leave=leave)
        laid.tell()
        waits = until(lambda: getattr(eye.look(laid.recording.id), job).stage == "retrying", 30.0, every=0.01)
        with tenancy.scope(laid.recording.ministry_id):
            row = Job.objects.filter(subject=laid.recording.id).latest("created_at")
            seen = {"waits": waits, "error": row.error, "attempts": row.attempts}
            filler.remove()
            seen["finished"] = until(lambda: eye.look(laid.recording.id).finished, 90.0, every=0.05)
            laid.recording.refresh_from_db()
            stored = checking.transcribed(laid.recording, eye)
            seen["turns"] = len(stored.turns)
            seen["problems"] = checking.problems(laid.recording, eye, expected=stored, host=said[0][0])
        answers[name] = seen
    eye.close()
    return answers


def _pages(server: Any) -> dict[str, Any]:
    """Statuses of a page that writes: on a full disk, and after it."""
    from accounts.models import User
    from tests.faults.calls import signed_in

    cookies = signed_in(User.objects.get(email="ben.fischer@climate.example"))
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
    connection.request("POST", "/meetings/start", "title=" + "x" * 150, headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def _by_hand(small: Path) -> dict[str, Any]:
    """Each writer of files by itself on a disk of a few kilobytes: the error it raises, what it leaves."""
    from accounts import tenancy
    from meetings.recording.mix import mix_sound
    from meetings.recording.sound import decode_track, write_wav
    from meetings.recording.webm import remux_participant
    from meetings.services import processing, storage
    from meetings.services.passing import passes
    from meetings.services.recording import logs_of
    from tests.faults import laying

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


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))  # noqa: T201
