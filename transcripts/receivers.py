"""A deleted transcript leaves the index in the same transaction, however it came to be deleted."""

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from transcripts.models import Revision, Transcript
from transcripts.services.indexing import recording_forget


@receiver(post_delete, sender=Transcript)
def transcript_deleted(instance: Transcript, **kwargs: Any) -> None:
    """The recording has no transcript any more."""
    recording_forget(recording_id=instance.recording_id)


@receiver(post_delete, sender=Revision)
def revision_deleted(instance: Revision, **kwargs: Any) -> None:
    """A version is gone, perhaps the one that was found; whoever replaces it indexes the new one."""
    recording_forget(recording_id=instance.transcript.recording_id)
