"""Who publishes what to whom: the portable plane's streams, subscriptions and taps."""

from collections.abc import Iterator

from meetings.relay.dataplane.portable.stream import Stream
from meetings.relay.dataplane.portable.subscription import Subscription
from meetings.relay.dataplane.portable.transport import Transport
from meetings.relay.plane import PacketTap, StreamSettings, SubscriptionSettings
from meetings.relay.voices import Voices


class Track:
    """The streams of one published track, and where their packets go."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.subscriptions: tuple[Subscription, ...] = ()
        self.taps: tuple[PacketTap, ...] = ()
        self.muted = False

    @property
    def idle(self) -> bool:
        return not (self.streams or self.subscriptions or self.taps or self.muted)


class Router:
    """Numbers that are not known are ignored; `voices` is how many of a group are forwarded."""

    def __init__(self, *, voices: int) -> None:
        self.transports: dict[int, Transport] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self._tracks: dict[int, Track] = {}
        self._most_voices = voices
        self._voices: dict[int, Voices] = {}

    def track(self, number: int) -> Track:
        track = self._tracks.get(number)
        if track is None:
            track = self._tracks[number] = Track()
        return track

    def find_track(self, number: int) -> Track | None:
        return self._tracks.get(number)

    @property
    def tracks(self) -> int:
        """How many are known: published, received, or recorded."""
        return len(self._tracks)

    def close(self, number: int) -> Transport | None:
        """Ends a transport with all that is published or received on it."""
        transport = self.transports.pop(number, None)
        if transport is not None:
            for ssrc in tuple(transport.streams):
                self.remove_stream(transport, ssrc)
            for subscription in tuple(transport.subscriptions.values()):
                self.unsubscribe(subscription.settings.number)
        return transport

    def clear(self) -> None:
        self.transports.clear()
        self.subscriptions.clear()
        self._tracks.clear()
        self._voices.clear()

    # Streams

    def add_stream(self, settings: StreamSettings) -> None:
        transport = self.transports.get(settings.transport)
        if transport is None or settings.ssrc in transport.streams:
            return
        stream = transport.streams[settings.ssrc] = Stream(settings)
        track = self.track(settings.track)
        track.streams.append(stream)
        for each in track.streams:
            each.layered = len(track.streams) > 1
        if settings.voices:
            if settings.voices not in self._voices:
                self._voices[settings.voices] = Voices(self._most_voices)
            self._voices[settings.voices].add(settings.track)

    def add_repair(self, transport: Transport, rtx_ssrc: int, ssrc: int, payload_type: int) -> None:
        stream = transport.streams.get(ssrc)
        if stream is not None:
            transport.repairs[rtx_ssrc] = stream, payload_type

    def remove_stream(self, transport: Transport, ssrc: int) -> None:
        stream = transport.streams.pop(ssrc, None)
        if stream is None:
            return
        for repair in [key for key, (of, _) in transport.repairs.items() if of is stream]:
            del transport.repairs[repair]
        track = self.track(stream.track)
        track.streams.remove(stream)
        for subscription in track.subscriptions:
            subscription.lose(stream)
        number = stream.settings.voices
        group = self._voices.get(number)
        if group is not None and all(other.settings.voices != number for other in track.streams):
            group.remove(stream.track)
            if not len(group):
                del self._voices[number]
        self._tidy(stream.track)

    def voices_of(self, stream: Stream) -> Voices | None:
        return self._voices.get(stream.settings.voices)

    def mute(self, number: int, muted: bool) -> None:
        track = self.track(number)
        track.muted = muted
        for stream in track.streams:
            group = self.voices_of(stream)
            if muted and group is not None:
                group.silence(number)
            elif not muted:
                stream.request_keyframe()  # a picture that comes back begins with one
        self._tidy(number)

    def tap(self, number: int, tap: PacketTap) -> None:
        track = self.track(number)
        if tap not in track.taps:
            track.taps = (*track.taps, tap)

    def untap(self, number: int, tap: PacketTap) -> None:
        track = self._tracks.get(number)
        if track is not None:
            track.taps = tuple(other for other in track.taps if other is not tap)
            self._tidy(number)

    # Subscriptions

    def subscribe(self, settings: SubscriptionSettings) -> None:
        """An SSRC that this transport has used before is refused (ValueError): it would repeat nonces."""
        transport = self.transports.get(settings.transport)
        if transport is None or settings.number in self.subscriptions:
            return
        ssrcs = {settings.ssrc} | ({settings.rtx[0]} if settings.rtx else set())
        if ssrcs & transport.used_ssrcs:
            raise ValueError("an SSRC is used once per transport")
        transport.used_ssrcs |= ssrcs
        subscription = Subscription(settings)
        self.subscriptions[settings.number] = transport.subscriptions[settings.ssrc] = subscription
        track = self.track(settings.track)
        track.subscriptions = (*track.subscriptions, subscription)

    def steer(self, number: int, ssrc: int | None) -> None:
        subscription = self.subscriptions.get(number)
        if subscription is not None:
            streams = self.track(subscription.settings.track).streams
            subscription.steer(next((stream for stream in streams if stream.ssrc == ssrc), None))

    def unsubscribe(self, number: int) -> Subscription | None:
        subscription = self.subscriptions.pop(number, None)
        if subscription is None:
            return None
        transport = self.transports.get(subscription.transport)
        if transport is not None:
            transport.subscriptions.pop(subscription.ssrc, None)
        track = self.track(subscription.settings.track)
        track.subscriptions = tuple(other for other in track.subscriptions if other is not subscription)
        self._tidy(subscription.settings.track)
        return subscription

    def _tidy(self, number: int) -> None:
        if self._tracks[number].idle:
            del self._tracks[number]

    def streams(self) -> Iterator[Stream]:
        for transport in self.transports.values():
            yield from transport.streams.values()
