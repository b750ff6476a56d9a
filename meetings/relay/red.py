"""Redundant audio (RFC 2198): a packet's own sound, before which repeats of older sound may lie."""


def primary_block(payload: bytes) -> tuple[int, bytes] | None:
    """The last block and its payload type; None where the headers do not fit the payload."""
    position = redundant = 0
    while position < len(payload) and payload[position] & 0x80:
        if position + 4 > len(payload):
            return None
        redundant += (payload[position + 2] & 0x03) << 8 | payload[position + 3]
        position += 4
    start = position + 1 + redundant
    if position >= len(payload) or start > len(payload):
        return None
    return payload[position], payload[start:]


def renumbered(payload: bytes, own: int, payload_type: int) -> bytes:
    """The payload, which must be whole, with the blocks of type `own` under the receiver's number for it."""
    if own == payload_type:
        return payload
    changed = bytearray(payload)
    position, last = 0, False
    while not last:
        first = changed[position]
        last = first < 0x80
        if first & 0x7F == own:
            changed[position] = first & 0x80 | payload_type
        position += 4
    return bytes(changed)
