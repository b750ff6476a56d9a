"""What happens to meetings when an account changes, however it came to be changed."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import User
from meetings.services import admission


@receiver(post_save, sender=User)
def user_saved(instance: User, created: bool, **kwargs: Any) -> None:
    """A closed account's sessions end by themselves; its live connections must be ended."""
    if not created and not instance.is_active:
        admission.account_closed(user=instance)
