"""What people are told when the server fails them."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.defaults import server_error

_AGAIN = "10"
"""Seconds after which asking again makes sense (`Retry-After`)."""


def went_wrong(request: HttpRequest) -> HttpResponseBase:
    """500; or 503 where the database is away, or on a full disk: that passes."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return server_error(request)
    response: HttpResponse
    if "application/json" in request.headers.get("Accept", ""):
        sentence = _("Visio cannot reach or store its data at the moment. Please try again shortly.")
        response = JsonResponse({"error": sentence}, status=503)
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = _AGAIN
    return response
