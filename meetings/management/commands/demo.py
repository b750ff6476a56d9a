"""Seeds the demo, if needed, and says who is in it."""

from typing import Any

from meetings.management.demo_accounts import seed
from meetings.management.output import JsonCommand


class Command(JsonCommand):
    help = "Makes the demo's two ministries and their people, if missing, and prints their accounts."

    def answer(self, **options: Any) -> dict[str, Any]:
        return seed()

    def lines(self, answer: dict[str, Any]) -> list[str]:
        return [line for ministry in answer["ministries"] for line in self._ministry(ministry)]

    def _ministry(self, ministry: dict[str, Any]) -> list[str]:
        people = [("staff", person) for person in ministry["staff"]]
        people += [("admin", ministry["admin"]), ("auditor", ministry["auditor"])]
        rows = [f"  {role:8}{person['email']:34}{person['password']}" for role, person in people]
        return [f"{ministry['name']} ({ministry['slug']})", *rows]
