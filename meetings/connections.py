"""How well the people of a room are connected, as its media server measures it. Nothing of it is kept."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from meetings import media

_SIZES: Final = ("small", "medium", "large")
# As the relay names the layers that it sends; whatever else it says is no picture.
_SENT: Final = {"low": "small", "medium": "medium", "high": "large", "single": "single"}


@dataclass(frozen=True)
class Picture:
    """So many videos in one size: "small", "medium" or "large"; "single" where there is only one."""

    size: str
    screen: bool = False
    count: int = 1


@dataclass(frozen=True)
class Way:
    """One direction: bit/s, and the lost share of packets from 0 to 1, None while unknown."""

    bitrate: float
    loss: float | None
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Connection:
    """One participant's. ``round_trip`` in ms; ``paused``: videos held back for want of bandwidth."""

    identity: str
    up: Way
    down: Way
    round_trip: float | None = None
    paused: int = 0


def connections_in(*, room: str) -> list[Connection]:
    """Of everybody whom the others see. Raises MediaServerDown and NotMeasured."""
    people = media.room_figures(room=room).get("participants", ())
    return [_connection(person) for person in people if not person["hidden"]]


def connection_of(*, room: str, identity: str) -> Connection | None:
    """One person's alone, for which no others are measured; None while they are not in the room. Raises as
    `connections_in`."""
    person = media.participant_figures(room=room, identity=identity)
    return _connection(person) if person else None


def _connection(person: Mapping[str, Any]) -> Connection:
    receives = person["receives"]
    return Connection(
        identity=person["identity"],
        up=Way(person["bitrate_up"], person["loss_up"], tuple(_published(person["tracks"]))),
        down=Way(person["bitrate_down"], person["loss_down"], tuple(_received(receives["videos"]))),
        round_trip=person["round_trip_ms"],
        paused=int(receives["paused"]),
    )


def _published(tracks: Iterable[Mapping[str, Any]]) -> Iterator[Picture]:
    for track in tracks:
        layers = track["layers"] if track["kind"] == "video" else ()
        for layer in layers:
            if layer["live"]:
                size = _SIZES[min(int(layer["quality"]), 2)] if len(layers) > 1 else "single"
                yield Picture(size, screen=track["source"] == "screen_share")


def _received(videos: Mapping[str, float]) -> Iterator[Picture]:
    for layer, count in videos.items():
        if layer in _SENT:
            yield Picture(_SENT[layer], count=int(count))
