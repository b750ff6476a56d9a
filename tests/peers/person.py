"""A protocol-level client: LiveKit's signalling over a real WebSocket, real ICE, DTLS and SRTP, no codec.

It publishes a microphone and a camera of small packets, receives whatever others publish, and can leave,
vanish, or come back over another socket and another port as libwebrtc does.
"""

import asyncio
import base64
import secrets
from collections import Counter
from urllib.parse import urlencode

import aiohttp
from livekit.protocol.models import DataPacket, TrackSource, TrackType, UserPacket
from livekit.protocol.rtc import (
    AddTrackRequest,
    ConnectionSettings,
    JoinRequest,
    LeaveRequest,
    SessionDescription,
    SignalRequest,
    SignalResponse,
    WrappedJoinRequest,
)

from meetings.relay.interface import RtpHeader
from tests.peers.rtp import rebuild_rtp

from .descriptions import AUDIO, LEVEL_EXTENSION, MID_EXTENSION, VIDEO, Description, Section, read_answer
from .transport import LightTransport

SOUND_EVERY, PICTURE_EVERY = 0.1, 0.2  # seconds: enough to see packets flow, cheap for thousands of calls


def join_request(**fields: object) -> str:
    """The ``join_request`` parameter."""
    request = JoinRequest(connection_settings=ConnectionSettings(auto_subscribe=True), **fields)  # type: ignore[arg-type]
    wrapped = WrappedJoinRequest(join_request=request.SerializeToString())
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


class LightPerson:
    """One person in a call. Every method may raise what its socket raises."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http, self._url, self._token = http, url.rstrip("/"), token
        self.transport = LightTransport()
        self.description = Description()
        self.heard: Counter[str] = Counter()
        self.sid = ""
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._answers: asyncio.Queue[SessionDescription] = asyncio.Queue()
        self._offering = asyncio.Lock()

    # Coming

    async def join(self) -> None:
        """Until the join answer and the first answer are here and DTLS is done; then publishes."""
        offer = self._offer()
        await self._connect(join_request(publisher_offer=offer, add_track_requests=self._tracks()))
        async with asyncio.timeout(30):
            answer = await self._answers.get()
        await self.transport.reach(read_answer(answer.sdp))
        await self.transport.secure()
        self._tasks.append(asyncio.create_task(self._play()))

    async def come_back(self) -> None:
        """Another socket and another port: a resume with an ICE restart."""
        await self.lose_socket()
        await self._connect(join_request(reconnect=True, participant_sid=self.sid))
        self.transport.ufrag, self.transport.password = secrets.token_hex(4), secrets.token_hex(12)
        answer = await self._negotiate()
        await self.transport.reach(read_answer(answer.sdp))

    async def _connect(self, request: str) -> None:
        query = urlencode({"access_token": self._token, "join_request": request, "auto_subscribe": "1"})
        self._socket = await self._http.ws_connect(f"{self._url}/rtc/v1?{query}", max_msg_size=1 << 22)
        self._reader = asyncio.create_task(self._read(self._socket))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                self._understand(SignalResponse.FromString(message.data))

    def _understand(self, message: SignalResponse) -> None:
        kind = message.WhichOneof("message") or ""
        self.heard[kind] += 1
        if kind == "join":
            self.sid = message.join.participant.sid
        elif kind == "answer":
            self._answers.put_nowait(message.answer)
        elif kind == "media_sections_requirement":
            wanted = message.media_sections_requirement
            self.description.sections += [Section("audio") for _ in range(wanted.num_audios)]
            self.description.sections += [Section("video") for _ in range(wanted.num_videos)]
            self._tasks.append(asyncio.create_task(self._negotiate_quietly()))

    async def _negotiate_quietly(self) -> None:
        try:
            await self._negotiate()
        except (ConnectionError, TimeoutError, aiohttp.ClientError):
            self.heard["negotiation broken off"] += 1

    async def _negotiate(self) -> SessionDescription:
        async with self._offering, asyncio.timeout(20):
            await self.say(SignalRequest(offer=self._offer()))
            return await self._answers.get()

    def _offer(self) -> SessionDescription:
        transport = self.transport
        text = self.description.offer(transport.ufrag, transport.password, transport.fingerprint)
        return SessionDescription(type="offer", sdp=text, id=self.description.version)

    async def say(self, request: SignalRequest) -> None:
        assert self._socket is not None
        await self._socket.send_bytes(request.SerializeToString())

    # Media

    def _tracks(self) -> list[AddTrackRequest]:
        return [
            AddTrackRequest(cid="mic", type=TrackType.AUDIO, source=TrackSource.MICROPHONE),
            AddTrackRequest(
                cid="cam", type=TrackType.VIDEO, source=TrackSource.CAMERA, width=320, height=180
            ),
        ]

    async def _play(self) -> None:
        sound = Section("audio", "sendonly", "mic", secrets.randbits(31))
        picture = Section("video", "sendonly", "cam", secrets.randbits(31))
        mids = len(self.description.sections)
        self.description.sections += [sound, picture]
        await self._negotiate()
        number = 0
        while True:
            self._send(AUDIO, sound.ssrc, number, number * 960, bytes(40), mids)
            if number % round(PICTURE_EVERY / SOUND_EVERY) == 0:
                at = number // round(PICTURE_EVERY / SOUND_EVERY)
                head = bytes((0x90, 0x80, 0x80 | at >> 8 & 0x7F, at & 0xFF, at % 10 != 0))
                self._send(VIDEO, picture.ssrc, at, at * 18_000, head + bytes(300), mids + 1)
            if number % 50 == 10:
                self._speak()
            number += 1
            await asyncio.sleep(SOUND_EVERY)

    def _speak(self) -> None:
        packet = DataPacket(user=UserPacket(payload=b"hello", topic="light"))
        self.transport.say(packet.SerializeToString())

    def _send(self, kind: int, ssrc: int, number: int, at: int, payload: bytes, mid: int) -> None:
        header = RtpHeader(kind == VIDEO, kind, number & 0xFFFF, at & 0xFFFFFFFF, ssrc, 0, 0, {})
        extensions = [(MID_EXTENSION, str(mid).encode())]
        if kind == AUDIO:
            extensions.append((LEVEL_EXTENSION, bytes((40,))))
        packet = rebuild_rtp(
            payload,
            header,
            payload_type=kind,
            sequence=header.sequence,
            timestamp=header.timestamp,
            ssrc=ssrc,
            extensions=extensions,
        )
        self.transport.send(self.transport.protect(packet))

    # Going

    async def leave(self) -> None:
        """Says so, as a closed tab does."""
        await self.say(SignalRequest(leave=LeaveRequest()))
        await self._end()

    async def vanish(self) -> None:
        """Without a word: the machine was switched off."""
        self.transport.dead = True
        await self._end(politely=False)

    async def _end(self, *, politely: bool = True) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.transport.close()
        await self.lose_socket(politely=politely)

    async def lose_socket(self, *, politely: bool = False) -> None:
        socket, self._socket = self._socket, None
        if socket is None:
            return
        if politely:
            await socket.close()
        else:
            socket._response.close()  # no closing handshake: the connection is cut
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
