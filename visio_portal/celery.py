"""The Celery application: jobs are woken through it, their truth is in the outbox.

``celery -A visio_portal worker`` is a worker in a process of its own. Any number may run, each with its own
timetable, which would outlive a killed worker as the process that ``-B`` makes of it: two timetables wake the
same jobs, and a job has one worker at a time.
"""

import os
import threading
from functools import cache
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from celery.signals import celeryd_init, worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visio_portal.settings")

app = Celery("visio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["meetings", "transcripts"])

EMBEDDED = "embedded@visio"
"""The name of the worker that lives in the threads of the pages' process."""


@celeryd_init.connect
def _require_broker(sender: str, **kwargs: Any) -> None:
    """A worker apart that could hear of nothing must not look as if it worked."""
    from django.conf import settings

    if sender != EMBEDDED and not settings.VISIO.services.worker_may_be_apart:
        raise SystemExit("A worker in a process of its own needs REDIS_URL (or CELERY_BROKER_URL).")


@worker_shutting_down.connect
def _give_back(**kwargs: Any) -> None:
    """Whatever is being worked on is given back at its next step instead of being waited for."""
    from meetings.services import outbox

    outbox.interrupt()


@worker_ready.connect
def _look_around(sender: Any, **kwargs: Any) -> None:
    """A worker that starts, or hears of jobs again, takes over at once what was left behind meanwhile."""
    app.signature("meetings.sweep_jobs").apply_async()
    if sender.hostname != EMBEDDED:
        _timetable_start()


def timetable() -> Any:
    """What wakes jobs by the clock. It keeps no file: one that a kill spoils ends every later timetable."""
    return EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)


@cache
def _timetable_start() -> None:
    threading.Thread(target=timetable().run, name="celery-timetable", daemon=True).start()
