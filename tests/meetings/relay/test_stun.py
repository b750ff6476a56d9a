"""Binding requests and responses, against aioice's STUN."""

import pytest
from aioice import stun as peer
from hypothesis import given
from hypothesis import strategies as st

from meetings.relay.stun import (
    ROLE_CONFLICT,
    binding_response,
    error_response,
    parse_binding_request,
    role_conflict,
    verify,
)

PASSWORD = "the relay's password"
TRANSACTION = b"twelve bytes"


def check(*, password=PASSWORD, kind=peer.Class.REQUEST, username="relay:client", **attributes):
    message = peer.Message(message_method=peer.Method.BINDING, message_class=kind, transaction_id=TRANSACTION)
    message.attributes["USERNAME"] = username
    message.attributes["PRIORITY"] = 1853824767
    message.attributes.update({name.replace("_", "-"): value for name, value in attributes.items()})
    message.add_message_integrity(password.encode())
    message.add_fingerprint()
    return bytes(message)


def test_reads_a_check():
    request = parse_binding_request(check(ICE_CONTROLLING=1, USE_CANDIDATE=None))
    assert request is not None
    assert (request.local_ufrag, request.remote_ufrag) == ("relay", "client")
    assert (request.transaction_id, request.priority) == (TRANSACTION, 1853824767)
    assert request.use_candidate
    assert request.controlling
    assert not role_conflict(request)


def test_a_controlled_peer_is_a_role_conflict():
    request = parse_binding_request(check(ICE_CONTROLLED=1))
    assert request is not None
    assert not request.use_candidate
    assert role_conflict(request)
    refusal = peer.parse_message(error_response(request, PASSWORD, ROLE_CONFLICT, "Role Conflict"))
    assert refusal.attributes["ERROR-CODE"] == (487, "Role Conflict")


def test_only_the_right_password_verifies():
    request = parse_binding_request(check(ICE_CONTROLLING=1))
    assert request is not None
    assert verify(request, PASSWORD)
    assert not verify(request, "another")


def test_a_changed_byte_does_not_verify():
    data = bytearray(check(ICE_CONTROLLING=1)[:-8])  # without fingerprint
    data[2:4] = (len(data) - 20).to_bytes(2, "big")
    data[30] ^= 1
    request = parse_binding_request(bytes(data))
    assert request is None or not verify(request, PASSWORD)


def test_attributes_after_the_integrity_are_not_believed():
    data = bytearray(check(ICE_CONTROLLING=1)[:-8])
    data += b"\x00\x25\x00\x00"  # USE-CANDIDATE, slipped in by somebody on the way
    data[2:4] = (len(data) - 20).to_bytes(2, "big")
    request = parse_binding_request(bytes(data))
    assert request is not None
    assert verify(request, PASSWORD)
    assert not request.use_candidate


@pytest.mark.parametrize(
    "data",
    [
        b"",
        check()[:-1],
        check()[:-8],
        check()[:20],
        check()[:-4] + bytes(4),
        check(kind=peer.Class.RESPONSE),
        check(username="nobody"),
        check(username="x" * 600 + ":y"),
        b"\x00\x01\x00\x00" + bytes(16),
    ],
)
def test_everything_else_is_nothing(data):
    assert parse_binding_request(data) is None


@given(st.binary(max_size=80))
def test_no_bytes_raise(data):
    assert parse_binding_request(data) is None


@given(st.integers(20, 95), st.binary(min_size=1, max_size=4))
def test_no_damage_raises(position, noise):
    data = check(ICE_CONTROLLING=1)
    damaged = data[:position] + noise + data[position + len(noise) :]
    request = parse_binding_request(damaged)
    assert request is None or verify(request, PASSWORD) is (damaged[:-8] == data[:-8])


@pytest.mark.parametrize("address", [("192.0.2.7", 50000), ("2001:db8::7", 443), ("10.0.0.1", 65535)])
def test_a_peer_reads_its_own_address(address):
    request = parse_binding_request(check(ICE_CONTROLLING=1))
    assert request is not None
    data = binding_response(request, PASSWORD, address)
    answer = peer.parse_message(data)
    assert answer.check_message_integrity(PASSWORD.encode())
    assert answer.message_class == peer.Class.RESPONSE
    assert answer.transaction_id == TRANSACTION
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == address
    assert "FINGERPRINT" in answer.attributes


def test_a_dual_stack_socket_names_ipv4_peers_plainly():
    request = parse_binding_request(check(ICE_CONTROLLING=1))
    assert request is not None
    answer = peer.parse_message(binding_response(request, PASSWORD, ("::ffff:192.0.2.7", 9)))
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.7", 9)
