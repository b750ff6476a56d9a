"""LiveKit's signalling, as far as it needs neither sockets nor media: tokens, the join request, queues."""

from meetings.relay.signalling.joining import decode_join_request
from meetings.relay.signalling.outbox import Outbox
from meetings.relay.signalling.pacing import TokenBucket, TokenBuckets
from meetings.relay.signalling.sections import SectionLedger
from meetings.relay.signalling.tokens import ApiKey, TokenClaims

__all__ = [
    "ApiKey",
    "Outbox",
    "SectionLedger",
    "TokenBucket",
    "TokenBuckets",
    "TokenClaims",
    "decode_join_request",
]
