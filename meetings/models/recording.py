"""Recordings: what was asked for, what the media server wrote, what became of it, who agreed."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantModel
from meetings.models.meeting import Meeting


class RecordingState(models.TextChoices):
    """Running until stopped, then waiting for the last track, then processed into files."""

    RUNNING = "running", _("Recording")
    STOPPING = "stopping", _("Stopping")
    PROCESSING = "processing", _("Processing")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


LIVE_STATES = (RecordingState.RUNNING, RecordingState.STOPPING)


class Recording(TenantModel):
    """One recording of a meeting, from the host's start to the host's stop or the room's end."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="recordings")
    state = models.CharField(max_length=12, choices=RecordingState.choices, default=RecordingState.RUNNING)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True, blank=True)
    missed_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when the media server does not have the room, while it runs."
    )
    sealed_key = models.BinaryField(
        help_text="The key of the record logs, sealed with the deployment's root key."
    )
    duration = models.FloatField(null=True, blank=True, help_text="Seconds.")
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            # Two starts at once must not make two recordings: the database decides the race. Nor may one
            # begin before the last one is closed, or the end of that would end it on the media server.
            models.UniqueConstraint(
                fields=["meeting"],
                condition=models.Q(state__in=["running", "stopping"]),
                name="one_live_recording",
            )
        ]
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.meeting} {self.started_at:%Y-%m-%d %H:%M}"


class TrackState(models.TextChoices):
    """Whether the media server still writes the track's record log."""

    WRITING = "writing", _("Being written")
    COMPLETE = "complete", _("Complete")


class RecordedTrack(TenantModel):
    """The record log of one track of one participant."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="tracks")
    egress_id = models.CharField(max_length=60, unique=True)
    track_sid = models.CharField(max_length=60, blank=True)
    path = models.CharField(max_length=300, blank=True, help_text="Relative to the recordings folder.")
    state = models.CharField(max_length=10, choices=TrackState.choices, default=TrackState.WRITING)
    bytes = models.BigIntegerField(default=0)
    error = models.TextField(
        blank=True, help_text="Why it ended before its time, in the media server's words."
    )

    def __str__(self) -> str:
        return self.track_sid or self.egress_id


class MediaContent(models.TextChoices):
    """What a playable file shows."""

    MIX = "mix", _("Everybody")
    PERSON = "person", _("Camera and microphone")
    SCREEN = "screen", _("Shared screen")


class MediaFile(TenantModel):
    """A playable file made from a recording: all sound mixed, or one participant's picture and sound."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="files")
    content = models.CharField(max_length=10, choices=MediaContent.choices)
    identity = models.CharField(max_length=80, blank=True, help_text="Empty for the mix of all.")
    name = models.CharField(max_length=120, blank=True)
    path = models.CharField(max_length=300, help_text="Relative to the recordings folder.")
    has_video = models.BooleanField(default=False)
    duration = models.FloatField(help_text="Seconds.")
    bytes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "identity", "content"], name="one_file_per_content")
        ]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.path


class Consent(TenantModel):
    """That a participant was told of a recording, and what they answered."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="consents")
    identity = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    told_at = models.DateTimeField(default=timezone.now)
    agreed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "identity"], name="one_consent_per_person")
        ]
        ordering = ["told_at"]

    def __str__(self) -> str:
        return f"{self.name}: {'agreed' if self.agreed_at else 'told'}"


class WebhookReceipt(TenantModel):
    """That a webhook was acted upon: a second delivery of the same event does nothing."""

    event_id = models.CharField(max_length=80, unique=True)
    received_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.event_id
