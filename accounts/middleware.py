"""Chooses the ministry of a signed-in person's request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts import selectors, tenancy


class TenantMiddleware:
    """Runs the rest of the request within the person's ministry; visitors have none, so nothing is readable.

    Synchronous on purpose: Django then runs the view in the same thread and context, and the scope covers it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.membership = None  # type: ignore[attr-defined]
        if not request.user.is_authenticated:
            return self.get_response(request)
        membership = selectors.home_membership(request.user)
        request.membership = membership  # type: ignore[attr-defined]
        if membership is None:
            return self.get_response(request)
        with tenancy.scope(membership.ministry_id):
            return self.get_response(request)
