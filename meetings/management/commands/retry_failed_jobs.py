"""Tries again what had failed for good."""

from typing import Any

from meetings.management.output import JsonCommand
from meetings.services.outbox import retry_failed


class Command(JsonCommand):
    help = "Queues every failed job anew: recordings to be made playable, transcripts, files to be removed."

    def answer(self, **options: Any) -> dict[str, Any]:
        return {"queued": retry_failed()}
