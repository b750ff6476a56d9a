"""Signing in: what a ministry's people may do themselves, and what is closed."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.conftest import PASSWORD, People

SignedIn = Callable[[User], Client]


@pytest.mark.parametrize("page", ["email/", "password/reset/", "password/set/", "confirm-email/"])
def test_addresses_and_mailed_passwords_are_the_ministrys_affair(
    people: People, signed_in: SignedIn, page: str
) -> None:
    assert signed_in(people.host).get(f"/accounts/{page}").status_code == 404


@pytest.mark.parametrize("name", ["account_change_password", "account_logout"])
def test_people_look_after_their_own_sign_in(people: People, signed_in: SignedIn, name: str) -> None:
    assert signed_in(people.host).get(reverse(name)).status_code == 200


def test_a_second_factor_can_be_set_up(people: People) -> None:
    client = Client(headers={"accept-language": "en"})
    client.post(reverse("account_login"), {"login": people.host.email, "password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    if page.status_code == 302:  # the password is asked for once more before a factor is set up
        page = client.post(page["Location"], {"password": PASSWORD}, follow=True)
    assert page.status_code == 200
    assert page.request["PATH_INFO"] == reverse("mfa_activate_totp")
    assert "<svg" in page.content.decode() or "data:image/svg" in page.content.decode()


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper()])
def test_a_wrong_password_says_nothing_about_the_account(people: People, password: str) -> None:
    client = Client(headers={"accept-language": "en"})

    def answer(email: str) -> str:
        page = client.post(reverse("account_login"), {"login": email, "password": password})
        assert page.status_code == 200
        return page.content.decode().replace(email, "")

    known, unknown = answer(people.host.email), answer("nobody@culture.example")
    errors = [[line for line in page.splitlines() if "error" in line] for page in (known, unknown)]
    assert errors[0] == errors[1]


def test_signing_in_never_leads_to_a_foreign_host(people: People) -> None:
    url = reverse("account_login") + "?next=https://evil.example/"
    form = {"login": people.host.email, "password": PASSWORD, "next": "https://evil.example/"}
    response = Client().post(url, form)
    assert response.status_code in (302, 400)
    assert "evil.example" not in response.headers.get("Location", "")
