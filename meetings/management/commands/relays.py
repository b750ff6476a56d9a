"""Which relays there are, and how they fare."""

from typing import Any

from meetings.management.output import JsonCommand
from meetings.services.relays import relays_listed


class Command(JsonCommand):
    help = "Lists the relays that have registered themselves, with what is on each."

    def answer(self, **options: Any) -> dict[str, Any]:
        return {"relays": relays_listed()}

    def lines(self, answer: dict[str, Any]) -> list[str]:
        relays = answer["relays"]
        return [self._line(relay) for relay in relays] or ["No relay is registered."]

    @staticmethod
    def _line(relay: dict[str, Any]) -> str:
        return (
            f"{relay['name']}  UDP {relay['udp_port']}  {relay['state']}  rooms: {relay['rooms']}  "
            f"participants: {relay['participants']}  load: {relay['load']:.2f}  "
            f"heard {relay['heard']:.1f} s ago"
        )
