"""Who hears a data message, and who can be posed as."""

from dataclasses import dataclass

import pytest
from livekit.protocol.models import ChatMessage, DataPacket, Transcription, UserPacket

from meetings.relay.data import LOSSY, RELIABLE, from_participant, from_server, recipients
from meetings.relay.errors import LimitExceeded, MalformedPacket


@dataclass(frozen=True)
class Person:
    identity: str
    sid: str


ANN, BEN, CARA = Person("ann", "PA_1"), Person("ben", "PA_2"), Person("cara", "PA_3")


def send(packet: DataPacket, label: str = RELIABLE) -> DataPacket:
    return DataPacket.FromString(from_participant(label, packet.SerializeToString(), ANN, limit=1000).data)


def test_the_sender_is_who_sent_it_whatever_the_packet_says() -> None:
    forged = DataPacket(participant_identity="ben", participant_sid="PA_2", user=UserPacket(payload=b"x"))
    forged.user.participant_identity = "ben"
    heard = send(forged)
    assert (heard.participant_identity, heard.participant_sid) == ("ann", "PA_1")
    assert (heard.user.participant_identity, heard.user.participant_sid) == ("ann", "PA_1")


def test_nobody_subtitles_another_nor_speaks_as_the_server() -> None:
    subtitle = DataPacket(transcription=Transcription(transcribed_participant_identity="ben"))
    assert send(subtitle).transcription.transcribed_participant_identity == "ann"
    chat = DataPacket(chat_message=ChatMessage(message="hi", generated=True))
    assert not send(chat).chat_message.generated


@pytest.mark.parametrize(
    ("named", "heard_by"), [([], [BEN, CARA]), (["cara"], [CARA]), (["ann"], []), (["nobody"], [])]
)
def test_destinations(named: list[str], heard_by: list[Person]) -> None:
    packet = DataPacket(destination_identities=named, user=UserPacket(payload=b"x"))
    message = from_participant(LOSSY, packet.SerializeToString(), ANN, limit=1000)
    assert recipients(message, [ANN, BEN, CARA], sender=ANN) == heard_by


def test_old_clients_name_destinations_in_the_user_packet() -> None:
    packet = DataPacket(user=UserPacket(payload=b"x", destination_identities=["ben"]))
    message = from_participant(RELIABLE, packet.SerializeToString(), ANN, limit=1000)
    assert recipients(message, [ANN, BEN, CARA], sender=ANN) == [BEN]


@pytest.mark.parametrize("data", [b"", b"\xff\xff\xff", DataPacket(participant_sid="x").SerializeToString()])
def test_what_is_no_message_is_dropped(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        from_participant(RELIABLE, data, ANN, limit=1000)


def test_unknown_channels_and_long_messages_are_dropped() -> None:
    packet = DataPacket(user=UserPacket(payload=bytes(2000))).SerializeToString()
    with pytest.raises(LimitExceeded):
        from_participant(RELIABLE, packet, ANN, limit=1000)
    with pytest.raises(MalformedPacket):
        from_participant("chat", packet, ANN, limit=10_000)


def test_the_portals_message_has_no_sender() -> None:
    message = from_server(payload=b"hello", topic="lk.chat", reliable=True, destinations=["ben"], limit=1000)
    packet = DataPacket.FromString(message.data)
    assert packet.participant_identity == ""
    assert (packet.user.payload, packet.user.topic) == (b"hello", "lk.chat")
    assert recipients(message, [ANN, BEN], sender=None) == [BEN]
