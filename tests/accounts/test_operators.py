"""The operators' pages."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts import tenancy
from accounts.models import Membership, User
from tests.conftest import PASSWORD, People


@pytest.fixture
def operator(db: None) -> Client:
    User.objects.create_superuser("root@visio.example", PASSWORD, name="Root")
    client = Client(headers={"accept-language": "en"})
    response = client.post(reverse("account_login"), {"login": "root@visio.example", "password": PASSWORD})
    assert response.status_code == 302
    return client


def test_operators_sign_in_where_guessing_is_limited(db: None) -> None:
    """Django's own page would take passwords without limit and without a second factor."""
    response = Client().get("/operators/login/")
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))
    assert Client().post("/operators/login/", {"username": "x", "password": "y"}).status_code == 302


def test_staff_of_ministries_are_no_operators(people: People) -> None:
    client = Client()
    client.post(reverse("account_login"), {"login": people.admin.email, "password": PASSWORD})
    assert client.get("/operators/accounts/user/").status_code == 302
    assert client.get("/operators/login/").status_code == 403


def test_an_operator_places_a_person_in_a_ministry(operator: Client, people: People) -> None:
    form = {
        "ministry": str(people.other_ministry.id),
        "user": str(people.host.id),
        "role": "staff",
        "created_at_0": "2026-01-02",
        "created_at_1": "10:00",
    }
    add = "/operators/accounts/membership/add/"
    assert operator.get(add).status_code == 200
    assert operator.post(add, form).status_code == 302
    assert operator.post(add, form).status_code == 200, "one place per ministry"
    with tenancy.scope(people.other_ministry.id):
        assert Membership.objects.filter(user=people.host).count() == 1


def test_an_operator_reads_no_words(operator: Client, people: People) -> None:
    page = operator.get("/operators/").content.decode()
    assert "/operators/transcripts/transcript/" in page
    for model in ("chatmessage", "speakerturn", "mediafile", "recording"):
        assert f"/{model}/" not in page
