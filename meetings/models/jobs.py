"""The outbox: work to be done after commit, its truth in a row, Celery only the wake-up."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.tenancy import TenantModel


class JobState(models.TextChoices):
    """Queued until a worker holds a lease; running while it does; done or failed for good."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(TenantModel):
    """One unit of work. ``name`` is the Celery task that does it, ``subject`` the row it is about.

    ``fence`` grows with every lease: a worker may write its outcome only while the fence is its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    subject = models.UUIDField()
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=80, blank=True, help_text="The process that took the last lease.")
    not_before = models.DateTimeField(default=timezone.now)
    stage = models.CharField(max_length=40, blank=True)
    progress = models.FloatField(default=0.0, help_text="0 to 1 within the stage.")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "subject"], name="one_job_per_subject")]
        indexes = [models.Index(fields=["state", "not_before"])]

    def __str__(self) -> str:
        return f"{self.name} {self.subject} ({self.state})"
