"""The Celery application: jobs are woken through it, their truth is in the outbox."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visio_portal.settings")

app = Celery("visio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["meetings", "transcripts"])


@worker_ready.connect
def look_around(**kwargs: Any) -> None:
    """A worker that starts takes over at once what another one left behind."""
    app.signature("meetings.sweep_jobs").apply_async()
