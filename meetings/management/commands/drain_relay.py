"""Takes a relay out of service without disturbing a call."""

from typing import Any

from django.core.management.base import CommandParser

from meetings.management.output import JsonCommand
from meetings.services.relays import relay_drain


class Command(JsonCommand):
    help = "The relay takes no new room from now on, and its process ends with its last one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("relay", help="its name as `relays` lists it, such as 127.0.0.1:7881")

    def answer(self, **options: Any) -> dict[str, Any]:
        relay = relay_drain(name=options["relay"])
        return {"relay": relay.name, "state": str(relay.state), "rooms": relay.placements.count()}
