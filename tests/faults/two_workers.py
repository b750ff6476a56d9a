"""Two worker processes and one job, on the database that the environment names; prints what came of it.

``python -m tests.faults.two_workers FOLDER``; ``test_two_workers.py`` judges. The first worker is stopped
(SIGSTOP) at a moment seen from outside; that its 30 seconds of lease are over is written into the row instead
of being waited for; the second does the job; then the first goes on.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

from tests.e2e.portal import ROOT, environment, free_port


def main(data: Path) -> dict[str, Any]:
    ground = {name: value for name, value in os.environ.items() if name == "DATABASE_URL"}
    os.environ.update({**environment(data, free_port()), **ground})
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from meetings.management.demo_accounts import seed

    seed()
    return {
        "at_once": _at_once(),
        "files": _stopped("files", lambda seen: seen.files.at("remuxing") or seen.files.at("mixing")),
        "speech": _stopped("speech", lambda seen: seen.speech.at("transcribing", 0.05)),
    }


class Worker:
    """One process, ready to do a job."""

    def __init__(self, job: Any) -> None:
        arguments = [job.name, str(job.id), str(job.ministry_id)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == "ready"

    def go(self) -> "Worker":
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Its status, and what it logged."""
        _, log = self.process.communicate(timeout=120)
        return self.process.returncode, log


def _job(title: str, name: str) -> Any:
    """A laid recording's job that nobody has taken."""
    from accounts import tenancy
    from meetings.models import Job
    from meetings.services import recording as recordings
    from tests.faults import laying

    laid = laying.lay(title, laying.voices())
    with tenancy.scope(laid.recording.ministry_id):
        recordings.go_on(laid.recording)
        return Job.objects.get(subject=laid.recording.id, name=name)


def _at_once() -> dict[str, Any]:
    """Both begin in the same moment, three times over."""
    from meetings import jobs

    found = []
    for number in range(3):
        job = _job(f"at once {number}", jobs.PROCESS_RECORDING)
        workers = [Worker(job) for _ in range(2)]
        for worker in workers:
            worker.go()
        statuses = [worker.end()[0] for worker in workers]
        found.append({"statuses": statuses, **_outcome(job)})
    return {"rounds": found}


def _stopped(which: str, reached: Callable[[Any], bool]) -> dict[str, Any]:
    from django.db import connection
    from django.utils import timezone

    from accounts import tenancy
    from meetings import jobs
    from meetings.models import Job
    from tests.faults.eye import eye_on, until

    job = _job(f"stopped {which}", jobs.PROCESS_RECORDING)
    if which == "speech":
        Worker(job).go().end()
        with tenancy.scope(job.ministry_id):
            job = Job.objects.get(subject=job.subject, name=jobs.TRANSCRIBE)
    late = Worker(job)
    second = Worker(job)
    with eye_on(connection) as eye:
        late.go()
        seen = until(lambda: reached(eye.look(job.subject)), 60.0, every=0.0005)
        late.send(signal.SIGSTOP)
    with tenancy.scope(job.ministry_id):
        Job.objects.filter(id=job.id).update(leased_until=timezone.now() - timedelta(seconds=1))
    status, log = second.go().end()
    before = _outcome(job)
    late.send(signal.SIGCONT)
    late_status, late_log = late.end()
    return {
        "seen": seen,
        "statuses": [status, late_status],
        "late_said": "is not this worker's any more" in late_log or "failed at attempt" in late_log,
        "log": (log + late_log)[-3000:],
        "before": before,
        "after": _outcome(job),
    }


def _outcome(job: Any) -> dict[str, Any]:
    """The job and everything it made, as it is now."""
    from django.conf import settings

    from accounts import tenancy
    from meetings.models import MediaFile, Recording
    from meetings.services import storage
    from transcripts.models import Revision, SpeakerTurn

    with tenancy.scope(job.ministry_id):
        job.refresh_from_db()
        recording = Recording.objects.get(id=job.subject)
        folder = storage.recording_folder(recording)
        files = MediaFile.objects.filter(recording=recording)
        lengths = {Path(settings.RECORDINGS_DIR, file.path).stat().st_size - file.bytes for file in files}
        turns = SpeakerTurn.objects.filter(revision__transcript__recording=recording)
        return {
            "job": [job.state, job.fence, job.attempts],
            "files": sorted(file.path.rsplit("/", 1)[-1] for file in files),
            "sizes": lengths == {0},
            "folders": sorted(path.name for path in folder.iterdir() if path.is_dir()),
            "revisions": Revision.objects.filter(transcript__recording=recording).count(),
            "turns": [turn.text for turn in turns],
        }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
