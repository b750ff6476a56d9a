"""The Celery application: jobs are woken through it, their truth is in the outbox."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visio_portal.settings")

app = Celery("visio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["meetings", "transcripts"])
