"""Where rooms are put, and when a relay is given up: decided by the database, whoever asks and how many."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.models import F
from django.test import Client

from accounts.models import User
from meetings import media, placements
from meetings.errors import BadInput, MediaServerDown
from meetings.models import Placement, Relay, RelayState
from meetings.services import placing, relays, workers
from meetings.services.relays import Fare
from tests.conftest import People
from tests.meetings.at_once import at_once
from tests.meetings.media_server import FakeMediaServer, fake_media_server
from visio_portal.environment import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

IDLE = Fare(load=0.0, rooms=0, participants=0)
LATELY = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def several(settings: Any) -> None:
    settings.MEDIA_REGISTERED = True


def _relay(port: int, load: float = 0.0) -> UUID:
    relay = relays.relay_register(address=f"http://127.0.0.1:{port}", udp_port=port)
    relays.relay_beats(relay=relay, fare=Fare(load=load, rooms=0, participants=0))
    return relay


def _silence(relay: UUID, by: timedelta = LATELY) -> None:
    Relay.objects.filter(id=relay).update(seen_at=F("seen_at") - by)


@pytest.fixture(scope="module")
def dead_process() -> str:
    """The name of a process of this machine that held its lock and is gone."""
    program = (
        "import django; django.setup(); from meetings.services import workers; print(workers.own_name())"
    )
    settled = {"DJANGO_SETTINGS_MODULE": "visio_portal.settings", "VISIO_DATA": str(settings.VISIO.data)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **settled},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def test_a_room_goes_to_the_least_loaded_relay_and_stays_there() -> None:
    _relay(1, load=0.9)
    idle = _relay(2, load=0.2)
    assert placing.room_place(room="r").relay == idle
    relays.relay_beats(relay=idle, fare=Fare(load=3.0, rooms=1, participants=200))
    assert placing.room_place(room="r").relay == idle


def test_rooms_that_come_in_a_burst_are_spread() -> None:
    """Before any heartbeat tells what they cost."""
    made = {_relay(port) for port in (1, 2, 3)}
    placed = [placing.room_place(room=str(number)).relay for number in range(9)]
    assert {relay: placed.count(relay) for relay in made} == dict.fromkeys(made, 3)


def test_of_equally_loaded_relays_the_one_with_fewer_rooms_is_taken() -> None:
    first, second = _relay(1), _relay(2)
    Placement.objects.create(room="old", relay_id=first)
    Placement.objects.update(placed_at=F("placed_at") - LATELY)
    assert placing.room_place(room="new").relay == second


def test_without_a_relay_nothing_is_placed() -> None:
    with pytest.raises(MediaServerDown):
        placing.room_place(room="r")
    assert not Placement.objects.exists()


def test_portals_that_place_one_room_at_once_agree() -> None:
    """Two participants of one room must never be split over two relays."""
    for port in (1, 2, 3):
        _relay(port)
    for number in range(10):
        room = f"r{number}"
        places = at_once(*[lambda room=room: placing.room_place(room=room)] * 6)
        assert len(set(places)) == 1
        assert Placement.objects.get(room=room).relay_id == places[0].relay


def test_a_draining_relay_gets_no_new_room_and_keeps_what_it_has() -> None:
    draining, other = _relay(1), _relay(2, load=4.0)
    assert placing.room_place(room="old").relay == draining
    relays.relay_drain(name="127.0.0.1:1")
    assert placing.room_place(room="old").relay == draining
    assert placing.room_place(room="new").relay == other
    told = relays.relay_beats(relay=draining, fare=IDLE)
    assert told == relays.Told(rooms=frozenset({"old"}), draining=True)


def test_a_room_placed_while_its_relay_is_told_to_drain_is_placed_before_or_elsewhere() -> None:
    for number in range(10):
        Relay.objects.all().delete()
        first, second = _relay(1), _relay(2, load=4.0)

        def drain() -> None:
            relays.relay_drain(name="127.0.0.1:1")

        def place(room: str = f"r{number}") -> UUID | None:
            return placing.room_place(room=room).relay

        _, where = at_once(drain, place)
        assert where in (first, second)
        assert placing.room_place(room="later").relay == second


def test_an_unknown_relay_is_named() -> None:
    with pytest.raises(BadInput, match="no relay “elsewhere:9”"):
        relays.relay_drain(name="elsewhere:9")


def test_a_relay_whose_process_has_ended_is_given_up_at_once(dead_process: str) -> None:
    dead, other = _relay(1), _relay(2, load=4.0)
    Relay.objects.filter(id=dead).update(process=dead_process)
    placing.room_place(room="r")
    assert placing.relay_is_gone(relay=dead, answers=True)
    assert placing.room_place(room="r").relay == other


def test_a_living_process_is_not_taken_for_an_ended_one() -> None:
    assert not workers.is_ended(workers.own_name())
    assert not workers.is_ended("another-machine-1-abc")


@pytest.mark.parametrize(
    ("silent", "answers", "gone"),
    [(False, False, False), (True, True, False), (True, False, True)],
    ids=["it only does not answer", "it only is not heard", "both"],
)
def test_a_relay_is_given_up_where_it_is_not_heard_and_does_not_answer(
    silent: bool, answers: bool, gone: bool
) -> None:
    relay = _relay(1)
    if silent:
        _silence(relay)
    assert placing.relay_is_gone(relay=relay, answers=answers) == gone
    assert Relay.objects.filter(id=relay).exists() != gone


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(hours=-1)], ids=["forward", "back"])
def test_a_clock_that_is_set_makes_no_dead_relay_look_alive(by: timedelta) -> None:
    relay = _relay(1)
    _silence(relay, by)
    assert placements.living() == []
    assert placing.relay_is_gone(relay=relay, answers=False)


def test_a_heartbeat_and_its_giving_up_at_once_are_one_or_the_other() -> None:
    for port in range(1, 11):
        relay = _relay(port)
        _silence(relay)

        def give_up(relay: UUID = relay) -> bool:
            return placing.relay_is_gone(relay=relay, answers=False)

        def beat(relay: UUID = relay) -> bool:
            return relays.relay_beats(relay=relay, fare=IDLE) is not None

        gone, saved = at_once(give_up, beat)
        assert gone != saved
        assert Relay.objects.filter(id=relay).exists() == saved


def test_a_relay_that_was_given_up_hears_of_it_and_holds_nothing() -> None:
    relay, _other = _relay(1), _relay(2, load=4.0)
    placing.room_place(room="r")
    _silence(relay)
    assert placing.relay_is_gone(relay=relay, answers=False)
    assert relays.relay_beats(relay=relay, fare=IDLE) is None
    assert not relays.relay_holds(relay=relay, room="r")


def test_a_relay_that_starts_where_another_was_takes_none_of_its_rooms() -> None:
    before = _relay(1)
    placing.room_place(room="r")
    after = _relay(1)
    assert before != after
    assert not relays.relay_holds(relay=after, room="r")
    assert placing.room_place(room="r").relay == after


def test_a_released_room_is_placed_anew() -> None:
    first = _relay(1)
    placing.room_place(room="r")
    second = _relay(2)
    relays.relay_beats(relay=first, fare=Fare(load=3.0, rooms=1, participants=9))
    relays.rooms_released(relay=first, rooms=["r"])
    assert placing.room_place(room="r").relay == second


def test_the_sweep_gives_up_who_is_dead_and_nobody_else(dead_process: str) -> None:
    with fake_media_server() as server:
        silent = relays.relay_register(address=server.url, udp_port=1)
        dead, ended, well = _relay(1), _relay(2), _relay(3)
        for relay in (silent, dead):
            _silence(relay)
        Relay.objects.filter(id=ended).update(process=dead_process)
        placing.look_after_relays()
    assert set(Relay.objects.values_list("id", flat=True)) == {silent, well}


def test_each_room_is_asked_about_where_it_is() -> None:
    with fake_media_server() as first, fake_media_server() as second:
        for server, room in ((first, "a"), (second, "b")):
            relay = relays.relay_register(address=server.url, udp_port=1)
            Placement.objects.create(room=room, relay_id=relay)
            server.rooms = {room}
        media.data_send(room="a", topic="t", payload=b"x")
        assert media.holders(["a", "b", "c"]) == {first.url: {"a"}, second.url: {"b"}}
        assert [media.room_is_open(room=room) for room in ("a", "b", "c")] == [True, True, False]
        media.recording_begin(room="b", prefix="p")
        assert first.asked("SendData")
        assert not second.asked("SendData")
        assert second.asked("CreateRoom")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: media.data_send(room="r", topic="t", payload=b"x"),
        lambda: media.participant_remove(room="r", identity="user-1"),
        lambda: media.room_end(room="r"),
        lambda: media.recording_end(room="r"),
    ],
    ids=["data", "removal", "end", "stop"],
)
def test_of_a_room_that_is_nowhere_nothing_needs_to_be_asked(ask: Callable[[], None]) -> None:
    """What is wanted is so already; a recording alone cannot begin."""
    _relay(1)
    ask()
    assert not media.recording_is_written(room="r")
    with pytest.raises(MediaServerDown):
        media.recording_begin(room="r", prefix="p")


def test_while_no_relay_lives_nothing_is_known_of_rooms() -> None:
    """So that a recording waits for its people instead of ending."""
    with pytest.raises(MediaServerDown):
        media.room_is_open(room="r")


def test_with_one_media_server_the_database_is_not_asked(
    media_server: FakeMediaServer, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.MEDIA_REGISTERED = False
    with django_assert_num_queries(0):
        assert not media.room_is_open(room=str(uuid4()))


def test_an_operator_drains_a_relay_on_their_page(
    people: People, signed_in: Callable[[User], Client]
) -> None:
    people.admin.is_staff = people.admin.is_superuser = True
    people.admin.save()
    browser, relay = signed_in(people.admin), _relay(7881)
    address = "/operators/meetings/relay/"
    assert "127.0.0.1:7881" in browser.get(address).content.decode()
    browser.post(address, {"action": "drain", "_selected_action": [str(relay)]})
    assert Relay.objects.get().state == RelayState.DRAINING
    assert browser.get(f"{address}add/").status_code == 403


@pytest.mark.parametrize("form", [["--json"], []], ids=["json", "for people"])
def test_operators_list_and_drain_by_command(form: list[str]) -> None:
    relay = _relay(7881)
    placing.room_place(room="r")
    _silence(_relay(7882))
    drained, listed = _said("drain_relay", "127.0.0.1:7881", *form), _said("relays", *form)
    if not form:
        assert "127.0.0.1:7881  UDP 7881  draining  rooms: 1" in listed
        return
    assert json.loads(drained) == {"relay": "127.0.0.1:7881", "state": "draining", "rooms": 1}
    first, second = json.loads(listed)["relays"]
    assert (first["id"], first["state"], first["rooms"]) == (str(relay), "draining", 1)
    assert (second["name"], second["state"]) == ("127.0.0.1:7882", "silent")


def _said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()
