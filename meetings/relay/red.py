"""Redundant audio (RFC 2198): the newest sound of a packet, for receivers that cannot read the rest."""


def primary_block(payload: bytes) -> bytes | None:
    """The last block, which is the packet's own sound; None where the headers do not fit the payload."""
    position = redundant = 0
    while position < len(payload) and payload[position] & 0x80:
        if position + 4 > len(payload):
            return None
        redundant += (payload[position + 2] & 0x03) << 8 | payload[position + 3]
        position += 4
    start = position + 1 + redundant
    return payload[start:] if position < len(payload) and start <= len(payload) else None
