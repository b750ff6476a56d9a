"""How relays, rooms and people fare just now."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from meetings.errors import NotVisible
from meetings.figures import metrics_token, relays_measured
from meetings.management.output import JsonCommand
from meetings.selectors import meeting_located

_ROOM_HEAD = ("room", "people", "up", "down", "lost up", "lost down", "round trip")
_PERSON_HEAD = (
    *("who", "connection", "up", "down", "lost up", "lost down", "round trip"),
    "jitter",
    "layers",
)


class Command(JsonCommand):
    help = "Figures of every relay and its rooms, over one second; with ROOM, of everybody in it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("room", nargs="?", help="a meeting's code or key, or a room's name")
        parser.add_argument(
            "--token", type=int, metavar="DAYS", help="print a token for a Prometheus elsewhere instead"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        if options["token"]:
            return {"token": metrics_token(lifetime=timedelta(days=options["token"]))}
        room = options["room"] and _name(options["room"])
        self._people = bool(room)
        return {"relays": relays_measured(room=room)}

    def lines(self, answer: dict[str, Any]) -> list[str]:
        if "token" in answer:
            return [answer["token"]]
        found = [line for relay in answer["relays"] for line in self._relay(relay)]
        return found or ["No relay is there."]

    def _relay(self, relay: Mapping[str, Any]) -> Iterator[str]:
        if relay["problem"]:
            yield f"{relay['name']}  does not tell: {relay['problem']}"
            return
        rates, alive = relay["rates"], relay["alive"]
        each = rates["cpu_us_per_packet"]
        yield (
            f"{relay['name']}  {relay['plane']}  rooms: {alive['rooms']:.0f}  "
            f"people: {alive['participants']:.0f}  {rates['packets']:.0f} packets/s  "
            f"{_bits(rates['bitrate'])}  cores: {rates['cpu']:.2f}  "
            f"CPU per packet: {'-' if each is None else f'{each:.1f} µs'}  "
            f"ring overflows: {relay['ring_overflows']:.0f}"
        )
        for room in relay["rooms"] if self._people else ():
            yield from _table(_PERSON_HEAD, [_person(person) for person in room["participants"]])
        if relay["rooms"] and not self._people:
            yield from _table(_ROOM_HEAD, [_room(room) for room in relay["rooms"]])


def _name(reference: str) -> str:
    try:
        return meeting_located(reference).room
    except NotVisible:
        return reference  # a room of no meeting, or of one that is deleted


def _room(room: Mapping[str, Any]) -> tuple[str, ...]:
    """Sums of what goes through, and the worst that anybody suffers."""
    people = room["participants"]
    up, down = (sum(person[name] for person in people) for name in ("bitrate_up", "bitrate_down"))
    worst = [_worst(people, name) for name in ("loss_up", "loss_down", "round_trip_ms")]
    return (
        room["room"],
        str(len(people)),
        _bits(up),
        _bits(down),
        _share(worst[0]),
        _share(worst[1]),
        _time(worst[2]),
    )


def _worst(people: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return max((person[name] for person in people if person[name] is not None), default=None)


def _person(person: Mapping[str, Any]) -> tuple[str, ...]:
    by = " by signalling" if person["round_trip_by"] == "signalling" else ""
    return (
        person["identity"],
        person["connection"],
        _bits(person["bitrate_up"]),
        _bits(person["bitrate_down"]),
        _share(person["loss_up"]),
        _share(person["loss_down"]),
        f"{_time(person['round_trip_ms'])}{by}",
        f"{_time(person['jitter_up_ms'])} / {_time(person['jitter_down_ms'])}",
        _layers(person),
    )


def _layers(person: Mapping[str, Any]) -> str:
    """For example "camera 0+1+2, receives 1 high, 3 low, 2 paused"."""
    sent = [
        track["source"] + " " + ("+".join(f"{layer['quality']:.0f}" for layer in _live(track)) or "none")
        for track in person["tracks"]
        if track["kind"] == "video" and not track["muted"]
    ]
    videos = [f"{count:.0f} {name}" for name, count in person["receives"]["videos"].items()]
    paused = person["receives"]["paused"]
    videos += [f"{paused:.0f} paused"] if paused else []
    return ", ".join([*sent, *(["receives " + ", ".join(videos)] if videos else [])]) or "-"


def _live(track: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [layer for layer in track["layers"] if layer["live"]]


def _bits(rate: float) -> str:
    return f"{rate / 1e6:.1f} Mbit/s" if rate >= 1e6 else f"{rate / 1e3:.0f} kbit/s"


def _share(part: float | None) -> str:
    return "-" if part is None else f"{part:.1%}"


def _time(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.0f} ms"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield ("  " + "  ".join(cells)).rstrip()
