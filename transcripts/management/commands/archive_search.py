"""Searches what was said, with one person's eyes."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import person_by_email
from meetings.management.output import JsonCommand
from transcripts.services.search import Answers, Hit


class Command(JsonCommand):
    help = "Passages that hold all the words, in the meetings whose content the person may see."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("words", help="all must occur; words in “quotes” as they stand")
        parser.add_argument("--as", dest="email", metavar="EMAIL", required=True)
        parser.add_argument("--limit", type=int, default=50, help="at most so many hits (default 50)")

    def answer(self, **options: Any) -> dict[str, Any]:
        answers = Answers(user=person_by_email(options["email"]), text=options["words"])
        return {"hits": [_hit(hit) for hit in answers[: max(0, options["limit"])]]}

    def lines(self, answer: dict[str, Any]) -> list[str]:
        return [
            f"{hit['title']} · {hit['speaker']} · {hit['start']:.1f} s: {hit['passage']}"
            for hit in answer["hits"]
        ]


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "meeting": str(hit.meeting_id),
        "title": hit.meeting_title,
        "speaker": hit.speaker,
        "start": hit.start,
        "passage": hit.text,
    }
