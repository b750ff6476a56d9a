"""Commands for scripts: one JSON object on standard output, everything else on standard error."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations

from accounts.errors import AccountsError
from meetings.errors import MeetingsError


class JsonCommand(BaseCommand):
    """A command whose answer is one object: printed for people, or as JSON with ``--json``.

    Subclasses say what it is in ``answer`` and how people read it in ``lines``.
    """

    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self.answer(**options)
        except (AccountsError, MeetingsError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(self.lines(answer)))

    def answer(self, **options: Any) -> dict[str, Any]:
        raise NotImplementedError

    def lines(self, answer: dict[str, Any]) -> list[str]:
        """The answer for people: one line each; by default its keys and values."""
        return [f"{key}: {value}" for key, value in answer.items()]
