"""Connectivity checks, against aioice's STUN as the other side."""

from typing import Any

from aioice import Candidate, stun

from meetings.relay.ice_lite import IceLite

ADDRESS, ASKED = ("10.0.0.2", 5000), "192.0.2.2"


class Clock:
    now = 5.0

    def monotonic(self) -> float:
        return self.now

    def wall_ns(self) -> int:
        return 0


class Stage:
    def __init__(self) -> None:
        self.bound: list[tuple[int, tuple[str, int], bool, str]] = []
        self.nominated = 0
        self.free = True
        self.ice = IceLite(clock=Clock(), bind=self._bind, addresses=("192.0.2.1", "fd77::2", "192.0.2.2"))
        self.agent = self.ice.agent(7, self._nominate)

    def _bind(self, *call: Any) -> bool:
        self.bound.append(call)
        return self.free

    def _nominate(self) -> None:
        self.nominated += 1

    def check(
        self, ufrag: str, password: str, *, nominate: bool = False, controlling: bool = True
    ) -> bytes | None:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{ufrag}:peer"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING" if controlling else "ICE-CONTROLLED"] = 1
        if nominate:
            request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(password.encode())
        request.add_fingerprint()
        return self.ice.stun_received(bytes(request), ADDRESS, ASKED)


def test_a_check_is_answered_and_binds_the_address() -> None:
    stage = Stage()
    reply = stage.check(stage.agent.ufrag, stage.agent.password)
    assert reply is not None
    message = stun.parse_message(reply)
    assert message.check_message_integrity(stage.agent.password.encode())
    assert message.message_class == stun.Class.RESPONSE
    assert message.attributes["XOR-MAPPED-ADDRESS"] == ADDRESS
    assert (stage.bound, stage.nominated, stage.agent.heard_at) == ([(7, ADDRESS, False, ASKED)], 0, 5.0)


def test_nomination_makes_the_address_the_one_to_send_to() -> None:
    stage = Stage()
    stage.check(stage.agent.ufrag, stage.agent.password, nominate=True)
    assert (stage.bound, stage.nominated) == ([(7, ADDRESS, True, ASKED)], 1)


def test_who_does_not_know_the_password_gets_no_answer() -> None:
    stage = Stage()
    assert stage.check(stage.agent.ufrag, "x" * 24, nominate=True) is None
    assert stage.check("nobody", stage.agent.password) is None
    assert stage.ice.stun_received(b"\0\1\0\0garbage", ADDRESS) is None
    assert (stage.bound, stage.nominated, stage.ice.refused) == ([], 0, 3)


def test_an_address_that_cannot_be_had_gets_no_answer_and_gives_no_consent() -> None:
    stage = Stage()
    stage.free = False
    assert stage.check(stage.agent.ufrag, stage.agent.password, nominate=True) is None
    assert (stage.nominated, stage.agent.heard_at) == (0, None)


def test_a_peer_that_wants_to_be_controlled_is_told_so() -> None:
    stage = Stage()
    reply = stage.check(stage.agent.ufrag, stage.agent.password, controlling=False)
    assert reply is not None
    assert stun.parse_message(reply).attributes["ERROR-CODE"][0] == 487
    assert stage.bound == []


def test_a_restart_brings_new_credentials_and_honours_the_old_ones_for_a_while() -> None:
    stage = Stage()
    old = stage.agent.ufrag, stage.agent.password
    assert not stage.agent.offered("first")
    assert not stage.agent.offered("first")
    assert stage.agent.offered("second")
    assert stage.agent.ufrag != old[0]
    assert stage.check(*old, nominate=True) is not None
    assert stage.bound[-1][2] is False  # an old check does not move the stream
    assert stage.check(stage.agent.ufrag, stage.agent.password, nominate=True) is not None
    assert stage.bound[-1][2] is True
    stage.agent.offered("third")
    assert stage.check(*old) is None


def test_a_closed_agent_is_forgotten() -> None:
    stage = Stage()
    credentials = stage.agent.ufrag, stage.agent.password
    stage.agent.close()
    assert stage.check(*credentials) is None


def test_candidates_are_the_announced_addresses_best_first() -> None:
    lines = Stage().ice.candidates(4000)
    parsed = [Candidate.from_sdp(line.removeprefix("candidate:")) for line in lines]
    assert [(each.host, each.port) for each in parsed] == [
        ("192.0.2.1", 4000),
        ("fd77::2", 4000),
        ("192.0.2.2", 4000),
    ]
    assert {(each.type, each.transport, each.component) for each in parsed} == {("host", "udp", 1)}
    assert len({each.foundation for each in parsed}) == 3  # RFC 8445 §5.1.1.3: different bases
    # RFC 8445 §5.1.2.1: type preference, local preference, component; unique, and falling.
    assert [(each.priority >> 24, each.priority >> 8 & 0xFFFF, each.priority & 0xFF) for each in parsed] == [
        (126, 65535, 255),
        (126, 65534, 255),
        (126, 65533, 255),
    ]
