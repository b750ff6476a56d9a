"""Transcripts: their state, their revisions, and every sentence under its speaker's name."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantModel
from meetings.models import Recording


class TranscriptState(models.TextChoices):
    """Waiting for the recording's files, then transcribed; unavailable where no engine knows the language."""

    WAITING = "waiting", _("Waiting")
    TRANSCRIBING = "transcribing", _("Transcribing")
    READY = "ready", _("Ready")
    UNAVAILABLE = "unavailable", _("Not available")
    FAILED = "failed", _("Failed")


class Transcript(TenantModel):
    """What was said in one recording."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, related_name="transcript")
    language = models.CharField(max_length=5)
    state = models.CharField(max_length=12, choices=TranscriptState.choices, default=TranscriptState.WAITING)
    engine = models.CharField(max_length=60, blank=True)
    quality = models.CharField(
        max_length=12, blank=True, help_text="“demo” where words are not to be relied on."
    )
    reason = models.TextField(blank=True, help_text="Why it is not available or failed, and what to do.")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.recording} ({self.state})"


class Revision(TenantModel):
    """One version of a transcript. The first is the engine's and is never changed."""

    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField(default=1)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transcript", "number"], name="revisions_are_numbered")
        ]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.transcript} #{self.number}"


class SpeakerTurn(TenantModel):
    """An uninterrupted stretch of one person's speech; times in seconds from the recording's start."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="turns")
    position = models.PositiveIntegerField()
    identity = models.CharField(max_length=80)
    speaker = models.CharField(max_length=120)
    start = models.FloatField()
    end = models.FloatField()
    text = models.TextField()
    words = models.JSONField(help_text='[{"text", "start", "end", "confidence"}, …]')

    colour: int
    """Of the speaker on the page, where ``selectors.turns_of`` gave it."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "position"], name="turns_are_ordered")]
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.speaker} {self.start:.1f}: {self.text[:40]}"
