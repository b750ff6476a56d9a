"""Dynacast: a publisher sends only the layers that somebody watches."""

from collections.abc import Mapping

from meetings.relay.layers import highest_wanted
from meetings.relay.participant import Participant
from meetings.relay.recorder import Recorder
from meetings.relay.uptrack import UpTrack


def settle_layers(
    track: UpTrack, people: Mapping[str, Participant], recorder: Recorder, *, raise_only: bool
) -> None:
    """Tells the publisher, if it changed, what its subscribers and the recorder want.

    More is asked for at once, less only by timer (`raise_only` False): tiles that move about ask to and fro.
    """
    publisher = people.get(track.publisher)
    if publisher is None or len(track.order) < 2:
        return
    wishes: list[int | None] = list(recorder.demand(track))
    for person in people.values():
        down = person.subscriptions.find(track)
        if down is not None:
            wishes.append(down.demand())
    cap = highest_wanted(wishes)
    if not raise_only or track.cap is None or (cap is not None and cap > track.cap):
        publisher.limit_layers(track, cap)
