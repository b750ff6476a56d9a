"""How people sign in locally: django-allauth, without self-registration."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class VisioAccountAdapter(DefaultAccountAdapter):
    """Accounts are made by a ministry, never by whoever finds the page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """There are no user names: the e-mail address is the key."""
