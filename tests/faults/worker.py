"""A worker process that does one job, when told to: ``python -m tests.faults.worker TASK JOB MINISTRY``.

Says “ready”, waits for a line, runs the job's real Celery task in this process, and says “done”.
"""

import os
import sys

import django


def main(task: str, job: str, ministry: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    django.setup()
    from visio_portal.celery import app

    app.loader.import_default_modules()
    print("ready", flush=True)
    sys.stdin.readline()
    app.tasks[task].apply(args=[job, ministry], throw=True)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
