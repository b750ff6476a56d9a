"""The demo's accounts: what the command prints works, whatever became of the file it keeps them in."""

import json
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def _demo() -> dict[str, Any]:
    out = StringIO()
    call_command("demo", json=True, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def _accounts(answer: dict[str, Any]) -> list[dict[str, str]]:
    return [
        person
        for ministry in answer["ministries"]
        for person in (*ministry["staff"], ministry["admin"], ministry["auditor"])
    ]


@pytest.fixture(autouse=True)
def no_passwords_kept() -> None:
    (settings.VISIO.data / "demo-passwords.json").unlink(missing_ok=True)


def test_there_are_two_ministries_with_three_staff_each() -> None:
    first, second = _demo()["ministries"]
    assert (len(first["staff"]), len(second["staff"])) == (3, 3)
    assert first["slug"] != second["slug"]


def test_every_printed_account_can_sign_in_and_stays_the_same() -> None:
    accounts = _accounts(_demo())
    assert _accounts(_demo()) == accounts
    assert len(accounts) == 10
    assert all(authenticate(username=one["email"], password=one["password"]) for one in accounts[:3])


def test_lost_passwords_are_made_anew() -> None:
    _demo()
    (settings.VISIO.data / "demo-passwords.json").unlink()
    account = _accounts(_demo())[0]
    assert authenticate(username=account["email"], password=account["password"])
