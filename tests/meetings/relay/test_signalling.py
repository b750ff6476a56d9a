"""Tokens, the join request, queues towards clients."""

import asyncio
import base64
import gzip
import time
from typing import Any

import jwt
import pytest
from livekit import api
from livekit.protocol.rtc import JoinRequest, SignalResponse, WrappedJoinRequest

from meetings.relay.errors import Refused
from meetings.relay.signalling import ApiKey, Outbox, SectionLedger, TokenBucket, decode_join_request

KEY = ApiKey("key", "a-secret-of-more-than-thirty-two-bytes")
OTHER = "another-secret-of-more-than-32-bytes.."


def token(secret: str = KEY.secret, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "key",
        "sub": "ann",
        "name": "Ann",
        "nbf": now,
        "exp": now + 3600,
        "attributes": {"role": "guest"},
        "video": {"roomJoin": True, "room": "r", "canPublish": False},
    }
    claims.update(changes)
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret, algorithm="HS256")


def test_a_token_of_livekits_own_library_is_read() -> None:
    grants = api.VideoGrants(room_join=True, room="r", can_publish_sources=["camera"])
    made = api.AccessToken(KEY.key, KEY.secret).with_identity("ann").with_grants(grants).to_jwt()
    join = KEY.verify(made).join
    assert (join.identity, join.room, join.grants.can_publish_sources) == ("ann", "r", ("camera",))
    assert not join.grants.room_admin


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (token(OTHER), "InvalidSignatureError"),
        (token(exp=int(time.time()) - 60), "ExpiredSignatureError"),
        (token(nbf=int(time.time()) + 600), "ImmatureSignatureError"),
        (token(exp=None), "MissingRequiredClaimError"),
        (token(iss="other"), "InvalidIssuerError"),
        (token(attributes={"role": 1}), "role is not a text"),
        # Regression (found by fuzzing): what is false passed for a text, and broke the join further on.
        (token(attributes={"role": False}), "role is not a text"),
        (token(name=0), "name is not a text"),
        (token(video={"roomJoin": True, "canPublishSources": [False]}), "source is not a text"),
        (token(attributes=["role"]), "attributes"),
        (token(name="\ud800"), "surrogates"),
        (token(attributes={"\udfff": "x"}), "surrogates"),
        (token(video={"roomJoin": "yes", "room": "r"}), "grant"),
        (token(sub=["ann"]), "Subject"),
        (jwt.encode({"iss": "key", "exp": 9e9}, None, algorithm="none"), "Algorithm"),
        (jwt.encode({"iss": "key", "exp": 9e9}, KEY.secret * 2, algorithm="HS512"), "Algorithm"),
        (".".join((base64.urlsafe_b64encode(b"[" * 9000).decode(), "e30", "x")), "recursion"),
        ("", "no token"),
        ("a.b.c", "DecodeError"),
        ("x" * 20_000, "overlong"),
    ],
)
def test_a_bad_token_is_refused_and_its_bearer_learns_nothing(bad: str, cause: str) -> None:
    with pytest.raises(Refused) as refused:
        KEY.verify(bad)
    assert cause in refused.value.reason
    assert refused.value.status == 401
    assert refused.value.public == "The access token was not accepted."


def test_a_raised_role_breaks_the_signature() -> None:
    head, body, signature = token().split(".")
    raised = base64.urlsafe_b64decode(body + "==").replace(b"guest", b"hosts")
    forged = ".".join((head, base64.urlsafe_b64encode(raised).decode().rstrip("="), signature))
    with pytest.raises(Refused):
        KEY.verify(forged)


def test_a_renewed_token_says_the_same() -> None:
    claims = KEY.verify(token()).join
    renewed = KEY.verify(KEY.renew(claims, ttl=60)).join
    assert (renewed.identity, renewed.name, renewed.attributes) == ("ann", "Ann", {"role": "guest"})
    assert renewed.grants == claims.grants


def wrapped(request: JoinRequest, *, packed: bool) -> str:
    data = request.SerializeToString()
    wrapper = WrappedJoinRequest(join_request=gzip.compress(data) if packed else data)
    if packed:
        wrapper.compression = WrappedJoinRequest.Compression.GZIP
    return base64.urlsafe_b64encode(wrapper.SerializeToString()).decode().rstrip("=")


@pytest.mark.parametrize("packed", [True, False])
def test_a_join_request_is_read(packed: bool) -> None:
    request = JoinRequest(reconnect=True, participant_sid="PA_1")
    assert decode_join_request(wrapped(request, packed=packed), limit=10_000) == request


@pytest.mark.parametrize("text", ["", "!!!", "AAAA", "x" * 20_000, "Zm9v"])
def test_a_broken_join_request_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_join_request(text, limit=10_000)
    assert refused.value.status == 400


def test_a_gzip_bomb_is_refused() -> None:
    bomb = wrapped(JoinRequest(metadata="a" * 5_000_000), packed=True)
    assert len(bomb) < 10_000
    with pytest.raises(Refused, match="limit"):
        decode_join_request(bomb, limit=10_000)


def test_sections_asked_for_are_counted_until_they_come() -> None:
    """Regression: 22 sections once, for each subscription asked again until the offer came."""
    ledger = SectionLedger()
    ledger.offered({"audio": 3, "video": 3})
    need = {"pending": {"audio": 0, "video": 5}, "free": {"audio": 3, "video": 3}, "room": 300}
    assert ledger.require(**need) == {"audio": 0, "video": 2}
    assert ledger.require(**need) == {"audio": 0, "video": 0}
    ledger.offered({"audio": 3, "video": 5})
    assert ledger.require(pending={"video": 1}, free={"video": 0}, room=300) == {"audio": 0, "video": 1}
    ledger.reset()
    assert ledger.require(pending={"video": 1}, free={"video": 0}, room=300) == {"audio": 0, "video": 1}


def test_a_bucket_allows_bursts_and_a_rate() -> None:
    bucket = TokenBucket(rate=10, burst=3, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.1)
    assert not bucket.take(0.1)


class Socket:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed: list[int] = []
        self.open = asyncio.Event()

    async def send(self, data: bytes) -> None:
        await self.open.wait()
        self.sent.append(data)

    async def close(self, code: int) -> None:
        self.closed.append(code)


async def test_messages_leave_in_order_and_the_socket_closes_after_the_last() -> None:
    socket = Socket()
    socket.open.set()
    outbox = Outbox(socket.send, socket.close, limit=10, max_bytes=1000)
    for number in range(3):
        outbox.put(SignalResponse(pong=number + 1))
    outbox.finish(1000)
    outbox.put(SignalResponse(pong=9))
    await outbox.drained(1.0)
    assert [SignalResponse.FromString(data).pong for data in socket.sent] == [1, 2, 3]
    assert socket.closed == [1000]


async def test_a_client_has_time_to_close_its_socket_itself() -> None:
    socket = Socket()
    socket.open.set()
    outbox = Outbox(socket.send, socket.close, limit=10, max_bytes=1000)
    outbox.put(SignalResponse(pong=1))
    outbox.finish(linger=0.2)
    await outbox.drained(0.05)
    assert (len(socket.sent), socket.closed) == (1, [])
    await outbox.abandon()
    await outbox.drained(1.0)
    assert socket.closed == []


async def test_a_client_with_megabytes_waiting_is_disconnected() -> None:
    socket = Socket()
    outbox = Outbox(socket.send, socket.close, limit=100, max_bytes=1000)
    for _ in range(11):
        outbox.put_packed(bytes(100))
    await outbox.drained(1.0)
    assert socket.closed == [1013]


async def test_what_was_sent_waits_no_more() -> None:
    socket = Socket()
    socket.open.set()
    outbox = Outbox(socket.send, socket.close, limit=100, max_bytes=1000)
    for _ in range(50):
        outbox.put_packed(bytes(100))
        await asyncio.sleep(0)
    outbox.finish(1000)
    await outbox.drained(1.0)
    assert (len(socket.sent), socket.closed) == (50, [1000])


async def test_a_client_that_does_not_read_is_disconnected() -> None:
    socket = Socket()
    outbox = Outbox(socket.send, socket.close, limit=5, max_bytes=1000)
    for number in range(10):
        outbox.put(SignalResponse(pong=number))
    await outbox.drained(1.0)
    assert socket.closed == [1013]
