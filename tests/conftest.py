"""People, ministries and meetings that tests begin with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.db import connections
from django.test import Client
from django.utils import translation

from accounts import tenancy
from accounts.models import Ministry, Role, User
from accounts.services import ministry_ensure, person_ensure
from meetings.models import Invitation, Meeting
from meetings.services.meeting import meeting_start

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Django's own, and then a goodbye to the thread in which asynchronous tests ask the database: PostgreSQL
    drops no database that somebody is connected to."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@dataclass(frozen=True)
class People:
    """Two ministries. ``colleague`` is invited nowhere at first; ``stranger`` works in the other ministry."""

    ministry: Ministry
    other_ministry: Ministry
    host: User
    invitee: User
    colleague: User
    admin: User
    auditor: User
    stranger: User


def pytest_itemcollected(item: pytest.Item) -> None:
    """Whatever touches the database is marked: on the second ground only that is run again."""
    fixtures = getattr(item, "fixturenames", ())
    if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(fixtures):
        item.add_marker("database")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the figures that tests measured (``record_property("figure", …)``), passed or not."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    for report in reports:
        for name, value in getattr(report, "user_properties", []):
            if name == "figure" and report.when == "call":
                terminalreporter.write_line(f"measured: {value}")


@pytest.fixture(autouse=True)
def reading_english() -> Iterator[None]:
    """Sentences for people come in English, unless a test asks for another language."""
    with translation.override("en"):
        yield


@pytest.fixture
def people(db: None) -> People:
    culture = ministry_ensure(slug="culture", name="Ministère de la Culture", spoken_language="fr")
    climate = ministry_ensure(slug="climate", name="Ministry of Climate", spoken_language="en")

    def person(ministry: Ministry, name: str, role: Role = Role.STAFF) -> User:
        email = f"{name.lower().replace('é', 'e').replace('è', 'e')}@{ministry.slug}.example"
        return person_ensure(ministry=ministry, email=email, name=name, password=PASSWORD, role=role)

    return People(
        ministry=culture,
        other_ministry=climate,
        host=person(culture, "Hélène"),
        invitee=person(culture, "Ivan"),
        colleague=person(culture, "Claire"),
        admin=person(culture, "Adam", Role.ADMIN),
        auditor=person(culture, "Aude", Role.AUDITOR),
        stranger=person(climate, "Sam"),
    )


@pytest.fixture
def meeting(people: People) -> Meeting:
    """A meeting in English of the first ministry, its host and one invitee."""
    made = meeting_start(
        host=people.host, ministry=people.ministry, title="Budget meeting", spoken_language="en"
    )
    with tenancy.scope(people.ministry.id):
        Invitation.objects.create(meeting=made, user=people.invitee)
    return made


@pytest.fixture
def in_ministry(people: People) -> Iterator[None]:
    """Runs the test within the first ministry, as a request of its people would be."""
    with tenancy.scope(people.ministry.id):
        yield


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A browser session of that person."""

    def sign_in(user: User) -> Client:
        client = Client(headers={"accept-language": "en"})
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in
