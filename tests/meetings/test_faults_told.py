"""A database that is away, or on a full disk, is said so: it passes, and is nobody's fault who asked."""

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from visio_portal import urls

FAULTS = {
    "full": OperationalError("database or disk is full"),
    "away": InterfaceError("connection already closed"),
    "ours": ValueError("a mistake of ours"),
}


def _fails(request: HttpRequest, how: str) -> HttpResponse:
    raise FAULTS[how]


urlpatterns = [path("fails/<str:how>", _fails), *urls.urlpatterns]
handler500 = urls.handler500


@pytest.mark.parametrize(("how", "status"), [("full", 503), ("away", 503), ("ours", 500)])
@override_settings(ROOT_URLCONF=__name__)
def test_a_page_says_what_is_wrong(how: str, status: int) -> None:
    answer = Client(raise_request_exception=False, headers={"accept-language": "en"}).get(f"/fails/{how}")
    assert answer.status_code == status
    assert ("its disk is full" in answer.content.decode()) is (status == 503)
    assert ("Retry-After" in answer) is (status == 503)


@override_settings(ROOT_URLCONF=__name__)
def test_a_script_gets_a_sentence_to_show() -> None:
    client = Client(
        raise_request_exception=False, headers={"accept": "application/json", "accept-language": "en"}
    )
    answer = client.get("/fails/full")
    assert answer.status_code == 503
    assert answer.json()["error"].startswith("Visio cannot reach or store its data")
