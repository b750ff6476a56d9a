"""The far end of a data plane in its tests: a UDP socket and the other half of the SRTP sessions."""

import asyncio
import secrets
import socket

from pylibsrtp import Policy, Session

from meetings.relay.interface import RtpHeader, SrtpSessions
from meetings.relay.plane import CongestionReport, DataPlane, StreamSettings, SubscriptionSettings
from meetings.relay.rtcp import RtcpPacket, parse_rtcp, serialize_rtcp
from meetings.relay.rtp import Kind, classify, parse_rtp

TRACK = 9


def session(key: bytes, *, inbound: bool) -> Session:
    """AES-256-GCM, as DTLS agrees on it."""
    direction = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM)
    policy.window_size = 1024
    policy.allow_repeat_tx = not inbound  # as aiortc sets it up
    return Session(policy)


class Client:
    """`plane.TransportEvents` of its own transport."""

    def __init__(self, plane: DataPlane, number: int, *, secured: bool = True) -> None:
        up, down = secrets.token_bytes(44), secrets.token_bytes(44)
        self.send, self.receive = session(up, inbound=False), session(down, inbound=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(2)
        self.plane, self.number = plane, number
        self.unknown: list[RtpHeader] = []
        self.rtcp: list[bytes] = []
        self.dtls: list[bytes] = []
        self.journeys: list[CongestionReport] = []
        plane.open(number, self)
        plane.bind(number, self.socket.getsockname(), preferred=True)
        self.sessions = SrtpSessions(session(up, inbound=True), session(down, inbound=False))
        if secured:
            plane.secure(number, self.sessions)

    # plane.TransportEvents

    def dtls_received(self, data: bytes) -> None:
        self.dtls.append(data)

    def rtcp_received(self, packet: bytes, now: float) -> None:
        self.rtcp.append(packet)

    def rtp_unknown(self, header: RtpHeader, packet: bytes, now: float) -> None:
        self.unknown.append(header)

    def congestion(self, report: CongestionReport) -> None:
        self.journeys.append(report)

    # On the wire

    def raw(self, data: bytes) -> None:
        self.socket.sendto(data, ("127.0.0.1", self.plane.port))

    def media(self, *packets: bytes) -> None:
        for packet in packets:
            self.raw(self.send.protect(packet))

    def control(self, *packets: RtcpPacket) -> None:
        for compound in serialize_rtcp(packets):
            self.raw(self.send.protect_rtcp(compound))

    async def datagram(self) -> bytes:
        return await asyncio.to_thread(self.socket.recv, 2000)

    async def rtp(self) -> tuple[RtpHeader, bytes]:
        """The next media packet: its header and its payload."""
        while True:
            data = await self.datagram()
            if classify(data) is Kind.RTP:
                packet = self.receive.unprotect(data)
                header = parse_rtp(packet)
                return header, packet[header.payload_offset : len(packet) - header.padding]

    async def told(self, kind: type[RtcpPacket]) -> RtcpPacket:
        """The next RTCP packet of this kind, whatever comes before it."""
        while True:
            data = await self.datagram()
            if classify(data) is Kind.RTCP:
                for part in parse_rtcp(self.receive.unprotect_rtcp(data)):
                    if isinstance(part, kind):
                        return part

    async def silence(self, seconds: float = 0.15) -> list[RtpHeader]:
        """The media packets that came after all."""
        await asyncio.sleep(seconds)
        self.socket.setblocking(False)
        found = []
        try:
            while True:
                data = self.socket.recv(2000)
                if classify(data) is Kind.RTP:
                    found.append(parse_rtp(self.receive.unprotect(data)))
        except BlockingIOError:
            return found
        finally:
            self.socket.settimeout(2)


def microphone(ssrc: int = 5, *, transport: int = 1, track: int = TRACK, **more: int) -> StreamSettings:
    return StreamSettings(transport, ssrc, track, 0, "OPUS", 111, 48_000, **more)


def camera(ssrc: int, quality: int = 0) -> StreamSettings:
    return StreamSettings(1, ssrc, TRACK, quality, "VP8", 96, 90_000)


def listening(
    number: int = 3, *, transport: int = 2, ssrc: int = 77, payload_type: int = 111, **more: object
) -> SubscriptionSettings:
    return SubscriptionSettings(number, transport, TRACK, ssrc, payload_type, 48_000, **more)  # type: ignore[arg-type]


def watching(number: int = 3, *, ssrc: int = 77, **more: object) -> SubscriptionSettings:
    return SubscriptionSettings(number, 2, TRACK, ssrc, 100, 90_000, **more)  # type: ignore[arg-type]
