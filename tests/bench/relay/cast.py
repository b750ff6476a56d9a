"""Who takes part, and what each should receive."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from tests.bench.relay.congestion import Congestion
from tests.bench.relay.line import Line
from tests.bench.relay.publisher import Publisher, Stream
from tests.bench.relay.watcher import Watcher
from tests.peers.descriptions import AUDIO, EXTENSIONS, VIDEO, Section

_NAMES: Final = {
    "urn:ietf:params:rtp-hdrext:sdes:mid": "mid",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": "abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01": "transport-cc",
}
# No audio level: a server that forwards the loudest only would do less than one that forwards all.
SENDING: Final = tuple(each for each in EXTENSIONS if each[1] in _NAMES)
_CONGESTION: Final = next(number for number, uri in SENDING if _NAMES[uri] == "transport-cc")


@dataclass(frozen=True)
class Room:
    """`publishers` send and watch each other; `subscribers` watch only."""

    publishers: int
    subscribers: int

    def __str__(self) -> str:
        return f"{self.publishers}+{self.subscribers}"


@dataclass
class Cast:
    """`transport_cc`: subscribers answer with transport-wide feedback, as browsers do; or by REMB."""

    transport_cc: bool
    publishers: list[Publisher] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)

    @property
    def receiving(self) -> tuple[tuple[int, str], ...]:
        """Header extensions that subscribers take."""
        return tuple(each for each in SENDING if self.transport_cc or each[0] != _CONGESTION)

    def watch(self, line: Line, hears: frozenset[int]) -> None:
        congestion = Congestion(_CONGESTION) if self.transport_cc else None
        self.watchers.append(Watcher(len(self.watchers), line, hears, congestion))

    def hears(self, first: int, room: Room, but: int | None = None) -> frozenset[int]:
        return frozenset(range(first, first + room.publishers)) - {but}


class Server(Protocol):
    """The way into a server."""

    async def fill(self, cast: Cast, room: Room) -> None:
        """Everybody of one more room comes in, the publishers first."""

    async def close(self) -> None: ...


def sections(number: int) -> tuple[Section, Section]:
    """A camera and a microphone as `publisher.Publisher.streams` wants them."""
    return (
        Section("video", "sendonly", "cam", 0x10000000 + number, SENDING),
        Section("audio", "sendonly", "mic", 0x20000000 + number, SENDING),
    )


def streams(answer: str, sent: tuple[Section, Section], mids: tuple[str, str]) -> tuple[Stream, Stream]:
    """What the answer accepted."""
    found = by_mid(answer)
    video, audio = (
        Stream(section.ssrc, kind, mid, accepted(found[mid]))
        for section, kind, mid in zip(sent, (VIDEO, AUDIO), mids, strict=True)
    )
    return video, audio


def by_mid(sdp: str) -> Mapping[str, list[str]]:
    """The lines of each media section."""
    found = {}
    for part in sdp.replace("\r", "").split("\nm=")[1:]:
        lines = ("m=" + part).split("\n")
        found.update({line[6:]: lines for line in lines if line.startswith("a=mid:")})
    return found


def accepted(lines: list[str]) -> dict[str, int]:
    """Names and ids of the header extensions."""
    pairs = [line[9:].split(" ")[:2] for line in lines if line.startswith("a=extmap:")]
    return {_NAMES[uri]: int(number.split("/")[0]) for number, uri in pairs if uri in _NAMES}


def server(told: Mapping[str, Any], own: str) -> Server:
    from tests.bench.relay.janus import Janus
    from tests.bench.relay.livekit import LiveKit

    return Janus(told["url"], own) if told["kind"] == "janus" else LiveKit(told["url"], own)
