"""Tokens the running server must not accept: the reason goes to its log, nothing of it to the client."""

import base64
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import jwt
import pytest

from tests.e2e.portal import Portal

pytestmark = pytest.mark.media

PUBLIC_WORDS = 60


@pytest.fixture(scope="module")
def token(portal: Portal) -> dict[str, str]:
    staff = portal.command("demo")["ministries"][1]["staff"]
    made = portal.command(
        "meeting_create", "--ministry", "climate", "--host", staff[0]["email"], "--title", "Refusals"
    )
    return portal.command("join_token", made["code"], "--as", staff[1]["email"])


@pytest.fixture(scope="module")
def keys(portal: Portal) -> dict[str, str]:
    found: dict[str, str] = json.loads((portal.data / "keys.json").read_text())
    return found


def _signed(claims: dict[str, Any], secret: str) -> str:
    return jwt.encode(claims, secret, algorithm="HS256")


def _claims(token: dict[str, str]) -> dict[str, Any]:
    return jwt.decode(token["token"], options={"verify_signature": False})


def _unsigned(claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in
             ({"alg": "none", "typ": "JWT"}, claims)]  # fmt: skip
    return ".".join([*parts, ""])


Forgery = Callable[[dict[str, Any], str], str]

FORGERIES: dict[str, Forgery] = {
    "forged signature": lambda claims, secret: _signed(claims, "x" * 32),
    "no signature": lambda claims, secret: _unsigned(claims),
    "expired": lambda claims, secret: _signed({**claims, "exp": int(time.time()) - 3600}, secret),
    "no room": lambda claims, secret: _signed({**claims, "video": {"roomJoin": True, "room": ""}}, secret),
    "no right to join": lambda claims, secret: _signed(
        {**claims, "video": {"room": claims["video"]["room"]}}, secret
    ),
    "foreign issuer": lambda claims, secret: _signed({**claims, "iss": "somebody"}, secret),
    "no token": lambda claims, secret: "",
    "not a token": lambda claims, secret: "abc.def.ghi",
}

# Signed with the right key, and yet not what the portal admitted: only the relay's question to it tells.
LIES: dict[str, dict[str, Any]] = {
    "wrong room": {"video": {"roomJoin": True, "room": "00000000-0000-4000-8000-000000000000"}},
    "role raised": {"attributes": {"role": "host"}},
    "another's identity": {"sub": "user-00000000-0000-4000-8000-000000000000"},
    "another's name": {"name": "Somebody Else"},
}


def _join(portal: Portal, token: str) -> int:
    """Opens the signalling socket as a client does; answers with the HTTP status of its refusal."""
    import asyncio

    import aiohttp

    async def attempt() -> int:
        url = f"{portal.url.replace('http', 'ws')}/rtc/v1?access_token={token}&join_request={_join_request()}"
        async with aiohttp.ClientSession() as session:
            try:
                async with session.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=5)):
                    return 101
            except aiohttp.WSServerHandshakeError as refusal:
                return refusal.status

    with ThreadPoolExecutor(1) as apart:  # from the loop on which playwright may be running
        return apart.submit(lambda: asyncio.run(attempt())).result()


def _join_request() -> str:
    from livekit.protocol import models, rtc

    request = rtc.JoinRequest(client_info=models.ClientInfo(protocol=16))
    wrapped = rtc.WrappedJoinRequest(join_request=request.SerializeToString())
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


def _validate(portal: Portal, token: str) -> tuple[int, str]:
    try:
        with urlopen(f"{portal.url}/rtc/v1/validate?access_token={token}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def test_the_genuine_token_is_accepted(portal: Portal, token: dict[str, str]) -> None:
    assert _validate(portal, token["token"])[0] == 200
    assert _join(portal, token["token"]) == 101, "\n".join(portal.log[-60:])


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries_are_refused(
    portal: Portal, token: dict[str, str], keys: dict[str, str], forgery: str
) -> None:
    before = len(portal.logged("refused"))
    forged = FORGERIES[forgery](_claims(token), keys["relay_secret"])
    status, body = _validate(portal, forged)
    assert status in (401, 403)
    assert len(body) < PUBLIC_WORDS
    assert _join(portal, forged) == 403
    portal.wait_for_log("refused")
    assert len(portal.logged("refused")) > before


@pytest.mark.parametrize("lie", LIES)
def test_signed_lies_are_refused_by_asking_the_portal(
    portal: Portal, token: dict[str, str], keys: dict[str, str], lie: str
) -> None:
    before = len(portal.logged("refused"))
    assert _join(portal, _signed({**_claims(token), **LIES[lie]}, keys["relay_secret"])) == 403
    portal.wait_for_log("refused")
    assert len(portal.logged("refused")) > before


def test_no_token_is_ever_logged(portal: Portal, token: dict[str, str]) -> None:
    _validate(portal, token["token"])
    portal.wait_for_log("/rtc/v1/validate")
    assert not portal.logged("eyJ")
