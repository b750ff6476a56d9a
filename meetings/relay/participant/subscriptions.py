"""What one participant receives: from the wish to a media section to packets."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from meetings.relay.downtrack import DownTrack
from meetings.relay.figures import Reception
from meetings.relay.participant.bandwidth import Bandwidth
from meetings.relay.participant.context import Context
from meetings.relay.plane import NEVER, CongestionReport
from meetings.relay.rtcp import ReceiverReport, Remb, ReportBlock, RtcpPacket, SenderReport
from meetings.relay.sdp import MediaSection
from meetings.relay.signalling import SectionLedger
from meetings.relay.uptrack import UpTrack

# After the answer a client needs a moment to build the receiver; packets before that would be lost.
SETTLING: Final = 0.05
RETARGET: Final = 0.25


class Subscriptions:
    """One subscriber's down tracks, waiting for a section or bound to one."""

    def __init__(
        self, context: Context, transport: int, spoke_at: Callable[[str], float] = lambda sid: NEVER
    ) -> None:
        self._context, self._transport = context, transport
        self.reception = Reception()
        self.bandwidth = Bandwidth(context.limits, spoke_at)
        self._waiting: list[DownTrack] = []
        self._by_mid: dict[str, DownTrack] = {}
        self._by_track: dict[int, DownTrack] = {}
        self._by_ssrc: dict[int, DownTrack] = {}
        self._settling: list[tuple[float, DownTrack]] = []
        self._undecided: set[DownTrack] = set()
        # Sections whose client still believes in the track that was there: it must see them idle first.
        self._vacated: set[str] = set()
        self._ledger = SectionLedger()
        self._sections: tuple[MediaSection, ...] = ()
        self._estimate: int | None = None
        self._loss: dict[int, float] = {}
        self._retargeted = 0.0

    def __iter__(self) -> Iterator[DownTrack]:
        return iter(tuple(self._by_track.values()))

    def find(self, track: UpTrack) -> DownTrack | None:
        return self._by_track.get(track.number)

    def by_ssrc(self, ssrc: int) -> DownTrack | None:
        """The subscription that is, or will be, sent under this SSRC."""
        return self._by_ssrc.get(ssrc)

    # Wishes

    def add(self, track: UpTrack) -> bool:
        """True where a new subscription now waits for its section."""
        if self.find(track) is not None:
            return False
        down = DownTrack(track, self._transport, next(self._context.numbers))
        self._by_track[track.number] = self._by_ssrc[down.ssrc] = down
        self._waiting.append(down)
        return True

    def remove(self, track: UpTrack) -> bool:
        """True where there was one."""
        down = self._by_track.pop(track.number, None)
        if down is None:
            return False
        del self._by_ssrc[down.ssrc]
        self._undecided.discard(down)
        down.ready = False
        self._context.plane.unsubscribe(down.number)
        self._loss.pop(down.ssrc, None)
        self.reception.forget(down.ssrc)
        if down.mid is not None:
            del self._by_mid[down.mid]
            self._vacated.add(down.mid)
        else:
            self._waiting.remove(down)
        return True

    # Sections

    def offered(self, sections: Sequence[MediaSection]) -> None:
        self._sections = tuple(sections)
        self._vacated &= {section.mid for section in sections if section.receives}
        self._ledger.offered({"audio": 0, "video": 0} | Counter(_receiving(sections)))

    def section_needs(self) -> Mapping[str, int] | None:
        """How many sections to ask for now, perhaps none where idle ones will do; None where another offer
        would change nothing."""
        if not self._sections:
            return None
        idle = [section for section in self._sections if section.mid not in self._by_mid]
        pending, free = Counter(down.up.kind for down in self._waiting), Counter(_receiving(idle))
        room = self._context.limits.sections - len(self._sections)
        needs = self._ledger.require(pending=pending, free=free, room=room)
        return needs if any(needs.values()) or pending & free or self._vacated else None

    def resumed(self) -> None:
        """The client may have missed messages."""
        self._ledger.reset()

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def undecodable(self) -> list[DownTrack]:
        """Subscriptions for which the last offer had sections of their kind, and none with their codec."""
        return [down for down in self._waiting if _undecodable(down, self._sections)]

    def serve(self, section: MediaSection, now: float) -> DownTrack | None:
        """The subscription that a receiving section carries, newly bound if one waits for its kind."""
        down = self._by_mid.get(section.mid)
        if down is None:
            if section.mid in self._vacated:
                self._vacated.remove(section.mid)
                return None
            down = next((waits for waits in self._waiting if _fits(waits, section)), None)
            if down is None:
                return None
            self._waiting.remove(down)
            self._by_mid[section.mid] = down
            self._settling.append((now + SETTLING, down))
        codec = section.find_codec(down.up.codec_name)
        if codec is None:
            return None
        rtx = section.find_rtx(codec) if down.up.is_video else None
        red = section.find_codec("red") if down.up.red is not None else None
        down.assign(section.mid, codec, section.extensions, rtx=rtx, red=red)
        return down

    # Timer

    @property
    def unsettled(self) -> bool:
        """True while a subscription waits for its first packets."""
        return bool(self._settling or self._undecided)

    def settled(self, now: float) -> list[DownTrack]:
        """Subscriptions whose packets may flow from now on."""
        if not self._settling:
            return []
        done = [down for due, down in self._settling if due <= now and self.find(down.up) is down]
        self._settling = [(due, down) for due, down in self._settling if due > now]
        for down in done:
            down.ready = True
            self._context.plane.subscribe(down.declared())
            self._steer(down, now)
        return done

    def retarget(self, now: float) -> None:
        """Chooses the layers anew, four times a second; for whoever waits for a first one at every call."""
        if now - self._retargeted >= RETARGET:
            self._retargeted = now
            for down in self._by_mid.values():
                if down.ready:
                    self._steer(down, now)
        elif self._undecided:
            for down in tuple(self._undecided):
                self._steer(down, now)

    def reconsider(self, down: DownTrack, now: float) -> None:
        """Its subscriber wants something else of it."""
        if down.ready:
            self._steer(down, now)

    def _steer(self, down: DownTrack, now: float) -> None:
        before = down.target
        layer = down.choose(now)
        if layer is None and down.demand() is not None and not down.paused:
            self._undecided.add(down)
        else:
            self._undecided.discard(down)
        if layer is not before:
            self._context.plane.steer(down.number, layer.ssrc if layer is not None else None)

    # What the subscriber reports

    def rtcp(self, packet: RtcpPacket, now: float) -> None:
        """Takes what is reported of reception, and bandwidth estimates."""
        if isinstance(packet, Remb):
            self._estimate = packet.bitrate
        elif isinstance(packet, SenderReport | ReceiverReport):
            self._reported(packet.reports, now)

    def _reported(self, reports: Sequence[ReportBlock], now: float) -> None:
        for report in reports:
            down = self.by_ssrc(report.ssrc)
            if down is not None:
                self._loss[report.ssrc] = report.fraction_lost / 256
                self.reception.reported(report, down.up.clock_rate, down.clocks, now)

    @property
    def loss(self) -> float:
        """The worst lost fraction among what is received, 0 to 1."""
        return max(self._loss.values(), default=0.0)

    def share(self, now: float) -> list[DownTrack]:
        """Shares the bandwidth, when it is time; the subscriptions that were paused or go on."""
        probe = self.bandwidth.probe(now)
        if probe is not None:
            self._context.plane.probe(self._transport, probe.bitrate, probe.seconds)
        if not self.bandwidth.due(now):
            return []
        self._refresh()
        downs = tuple(self._by_mid.values())
        changed = self.bandwidth.share(downs, now, estimate=self._estimate, loss=self.loss)
        for down in downs:
            if down.ready and down.up.is_video:
                self._steer(down, now)
        return changed

    def _refresh(self) -> None:
        for down in self._by_mid.values():
            report = self._context.plane.subscription_report(down.number)
            if report is not None:
                down.report = report

    def congestion(self, report: CongestionReport) -> None:
        """What the subscriber told of packets on their way."""
        self.bandwidth.congestion(report)


def _receiving(sections: Sequence[MediaSection]) -> list[str]:
    return [
        section.kind
        for section in sections
        if section.direction == "recvonly" and section.kind in ("audio", "video")
    ]


def _fits(down: DownTrack, section: MediaSection) -> bool:
    return down.up.kind == section.kind and section.find_codec(down.up.codec_name) is not None


def _undecodable(down: DownTrack, sections: Sequence[MediaSection]) -> bool:
    of_kind = [
        section for section in sections if section.direction == "recvonly" and section.kind == down.up.kind
    ]
    return bool(of_kind) and not any(_fits(down, section) for section in of_kind)
