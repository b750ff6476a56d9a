"""Prints a meeting's transcript."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import tenancy
from meetings.management.output import JsonCommand
from meetings.selectors import meeting_located
from transcripts import selectors
from transcripts.models import SpeakerTurn


class Command(JsonCommand):
    help = "The transcript of a meeting's newest recording, or how far it is: an operator's command."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("meeting", help="a meeting's key or code")

    def answer(self, **options: Any) -> dict[str, Any]:
        meeting = meeting_located(options["meeting"])
        with tenancy.scope(meeting.ministry_id):
            standing = selectors.standing_of(meeting)
            transcript = standing.transcript
            turns = selectors.turns_of(transcript) if transcript else []
        return {
            "state": standing.state,
            "reason": standing.reason,
            "engine": transcript.engine if transcript else "",
            "turns": [_turn(turn) for turn in turns],
        }

    def lines(self, answer: dict[str, Any]) -> list[str]:
        engine = f", {answer['engine']}" if answer["engine"] else ""
        state = [f"[{answer['state']}{engine}]", *([answer["reason"]] if answer["reason"] else [])]
        return state + [
            f"{_clock(turn['start'])} {turn['speaker']}: {turn['text']}" for turn in answer["turns"]
        ]


def _turn(turn: SpeakerTurn) -> dict[str, Any]:
    words = [{key: word[key] for key in ("text", "start", "end")} for word in turn.words]
    return {"speaker": turn.speaker, "start": turn.start, "end": turn.end, "text": turn.text, "words": words}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"
