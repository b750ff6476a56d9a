"""What may be sent again, and which number is used once."""

from meetings.relay.dataplane.portable.sent import SentPackets


def test_no_number_is_used_twice() -> None:
    """Two packets under one number repeat an AES-GCM nonce; libsrtp lets that pass as aiortc sets it up."""
    sent, used = SentPackets(), []
    for sequence in (65_534, 1, 65_534, 65_535, 1, 0, 400, 140, 500, 400):
        number = sent.claim(sequence)
        if number is not None:
            sent.keep(number, b"packet")
            used.append(sequence)
    assert used == [65_534, 1, 65_535, 0, 400, 500]


def test_half_of_what_was_sent_is_repeated_at_most() -> None:
    """A subscriber that asks for the same packets over and over would be a UDP amplifier."""
    sent = SentPackets()
    for sequence in range(4):
        number = sent.claim(sequence)
        assert number is not None
        sent.keep(number, b"packet %d" % sequence)
    assert sum(sent.again(sequence) is not None for sequence in (0, 1, 2) * 500) == 2
    assert sent.again(9) is None


def test_before_anything_was_sent_nothing_is_repeated() -> None:
    assert SentPackets().again(5) is None
