"""Makes the archive's index anew from the transcripts."""

from typing import Any

from meetings.management.output import JsonCommand
from transcripts.services.indexing import index_rebuild


class Command(JsonCommand):
    help = "Makes the search index anew from all transcripts."

    def answer(self, **options: Any) -> dict[str, Any]:
        return {"passages": index_rebuild()}
