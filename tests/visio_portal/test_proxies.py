"""Nobody forges an address or a scheme; a trusted proxy tells them, as far as it is trusted."""

import asyncio
import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest
from channels.testing import HttpCommunicator
from django.core.cache import cache
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from meetings.codes import new_code
from meetings.views import limits
from visio_portal.asgi import application
from visio_portal.proxies import TrustedProxies

CLIENT, INNER, EDGE, FAR = "198.51.100.9", "10.0.0.1", "10.0.0.2", "203.0.113.77"


class Seen:
    """The application behind the middleware: keeps the scope."""

    def __init__(self, *trusted: str) -> None:
        self.scope: dict[str, Any] = {}
        self.middleware = TrustedProxies(self, [ipaddress.ip_network(each) for each in trusted])

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope = scope

    def request(self, peer: str, kind: str = "http", **headers: str) -> HttpRequest:
        """What Django makes of a request that came from *peer*."""
        given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": kind, "method": "GET", "path": "/", "query_string": b"", "client": [peer, 4711],
            "server": ["10.0.0.9", 8000], "root_path": "/forged", "headers": [(b"host", b"visio"), *given],
        }  # fmt: skip
        asyncio.run(self.middleware(scope, None, None))
        return ASGIRequest({**self.scope, "type": "http", "method": "GET"}, None)  # type: ignore[arg-type]

    def address(self, peer: str, forwarded_for: str) -> str:
        return self.request(peer, x_forwarded_for=forwarded_for).META["REMOTE_ADDR"]


FORGED = {
    "x_forwarded_for": FAR,
    "x_forwarded_proto": "https",
    "x_forwarded_host": "evil.example",
    "x_forwarded_port": "1",
    "x_real_ip": FAR,
    "forwarded": f"for={FAR};proto=https;host=evil.example",
}


@pytest.mark.parametrize("trusted", [(), (INNER,)], ids=["nothing configured", "another proxy configured"])
def test_a_client_forges_neither_address_nor_scheme_nor_host(trusted: tuple[str, ...]) -> None:
    request = Seen(*trusted).request(CLIENT, **FORGED)
    assert request.META["REMOTE_ADDR"] == CLIENT
    assert not request.is_secure()
    assert request.META["HTTP_HOST"] == "visio"
    assert request.path == "/"
    assert not [name for name in request.META if "FORWARDED" in name or "REAL_IP" in name]


def test_a_trusted_proxy_tells_address_scheme_and_host() -> None:
    seen = Seen(INNER)
    request = seen.request(
        INNER, x_forwarded_for=CLIENT, x_forwarded_proto="https", x_forwarded_host="visio.example"
    )
    assert (request.META["REMOTE_ADDR"], request.is_secure()) == (CLIENT, True)
    assert request.META["HTTP_HOST"] == "visio.example"
    assert not seen.request(INNER, x_forwarded_for=CLIENT, x_forwarded_proto="http").is_secure()
    seen.request(INNER, "websocket", x_forwarded_for=CLIENT, x_forwarded_proto="https")
    assert (seen.scope["client"], seen.scope["scheme"]) == ([CLIENT, 0], "wss")


def test_what_a_client_put_before_the_proxies_entry_is_not_believed() -> None:
    seen = Seen(INNER)
    assert seen.address(INNER, f"{FAR}, {CLIENT}") == CLIENT
    assert seen.address(INNER, f"{INNER}, {FAR}, {CLIENT}") == CLIENT
    assert seen.request(INNER, forwarded=f"for={FAR};proto=https").META["REMOTE_ADDR"] == INNER


def test_two_proxies_are_gone_through_and_no_further() -> None:
    seen = Seen("10.0.0.0/30")
    assert seen.address(INNER, f"{FAR}, {CLIENT}, {EDGE}") == CLIENT
    forged = seen.request(
        INNER, x_forwarded_for=f"{FAR}, {CLIENT}, {EDGE}", x_forwarded_proto="https, http, http"
    )
    assert not forged.is_secure()
    added = seen.request(INNER, x_forwarded_for=f"{CLIENT}, {EDGE}", x_forwarded_proto="https, http")
    assert added.is_secure()


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (f"{CLIENT}:50123", CLIENT),
        ("[2001:db8::5]:50123", "2001:db8::5"),
        ("2001:db8:0:0::5", "2001:db8::5"),
        (f"::ffff:{CLIENT}", CLIENT),
        ("unknown", INNER),
        ("", INNER),
        (", ,", INNER),
        ("\0", INNER),
    ],
)
def test_addresses_in_every_dress(said: str, address: str) -> None:
    assert Seen(INNER).address(INNER, said) == address


def test_an_ipv4_client_of_a_dual_stack_socket_is_an_ipv4_client() -> None:
    """Or one person would have two budgets, and `VISIO_TRUSTED_PROXIES=10.0.0.1` would trust nobody."""
    assert Seen().request(f"::ffff:{CLIENT}").META["REMOTE_ADDR"] == CLIENT
    assert Seen(INNER).address(f"::ffff:{INNER}", CLIENT) == CLIENT


@pytest.fixture
def few_tries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(limits, "WRONG_CODES", 3)
    monkeypatch.setattr(limits, "_MINUTE", 1_000_000)  # the test lies in one
    cache.clear()
    yield
    cache.clear()


async def _try_a_code(portal: Any, peer: str, forwarded_for: str) -> int:
    """The status that the whole application answers to a guessed code."""
    headers = [(b"host", b"localhost"), (b"x-forwarded-for", forwarded_for.encode())]
    asking = HttpCommunicator(portal, "GET", f"/{new_code()}/", headers=headers)
    asking.scope["client"] = [peer, 4711]
    return await _status(asking)


async def _status(asking: HttpCommunicator) -> int:
    answer = await asking.get_response(timeout=10)
    await asking.wait()
    return int(answer["status"])


@pytest.mark.django_db(transaction=True)
async def test_a_guesser_gains_nothing_by_naming_other_addresses(few_tries: None) -> None:
    statuses = [await _try_a_code(application, CLIENT, f"203.0.113.{last}") for last in range(6)]
    assert statuses == [302] * 3 + [429] * 3


@pytest.mark.django_db(transaction=True)
async def test_behind_a_trusted_proxy_everybody_has_a_budget_of_their_own(few_tries: None) -> None:
    portal = TrustedProxies(application, [ipaddress.ip_network(INNER)])
    forging = [await _try_a_code(portal, INNER, f"203.0.113.{last}, {CLIENT}") for last in range(6)]
    assert forging == [302] * 3 + [429] * 3
    assert await _try_a_code(portal, INNER, FAR) == 302


@pytest.mark.django_db(transaction=True)
async def test_limits_of_signing_in_know_the_same_address(few_tries: None, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "3/m/ip"}

    async def sign_in(peer: str, forwarded_for: str) -> int:
        headers = [
            (b"host", b"localhost"),
            (b"x-forwarded-for", forwarded_for.encode()),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"cookie", b"csrftoken=" + b"a" * 32),
        ]
        body = b"csrfmiddlewaretoken=" + b"a" * 32 + b"&login=a@b.example&password=wrong"
        asking = HttpCommunicator(application, "POST", "/accounts/login/", body=body, headers=headers)
        asking.scope["client"] = [peer, 4711]
        return await _status(asking)

    statuses = [await sign_in(CLIENT, f"203.0.113.{last}") for last in range(5)]
    assert statuses == [200] * 3 + [429] * 2
    assert await sign_in(FAR, "") == 200
