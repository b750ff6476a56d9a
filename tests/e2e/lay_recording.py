"""Lays a finished recording into a running portal's data folder: real record logs, waiting to be processed.

Run as a program beside the server, with its environment: ``python -m tests.e2e.lay_recording CODE SECONDS``.
One person speaks one sentence at SECONDS; what the server makes of it is then up to the server's own worker.
"""

import os
import sys
from datetime import timedelta

import django


def main(code: str, at: float) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    django.setup()
    from accounts import tenancy
    from meetings import jobs
    from meetings.models import Recording, RecordingState
    from meetings.selectors import meeting_located
    from tests.transcripts.builders import recording_of, track_log
    from tests.transcripts.voices import say_all

    meeting = meeting_located(code)
    sound = say_all(("the new building will open in the middle of september",), "rms")
    recording = recording_of(meeting, meeting.host, seconds=at + 10, ago=timedelta(minutes=10))
    identity = f"user-{meeting.host_id}"
    with tenancy.scope(meeting.ministry_id):
        track_log(recording, identity, meeting.host.name, sound, at=at)
        Recording.objects.filter(id=recording.id).update(state=RecordingState.PROCESSING, duration=None)
        jobs.enqueue(jobs.PROCESS_RECORDING, recording.id)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
