"""The edges of signalling: `/rtc/v1` and what belongs to it, answered here or passed on to a relay."""

from meetings.consumers.embedded import ServerApiConsumer, SignalConsumer, ValidateConsumer, embedded
from meetings.consumers.forwarding import SignalForwarder, ValidateForwarder
from meetings.consumers.http import BoundedHttpConsumer, NoSuchSocket
from meetings.consumers.portal import PortalAnswers, relay_config
from meetings.consumers.registration import Registration
from meetings.consumers.relays import forwarding

__all__ = [
    "BoundedHttpConsumer",
    "NoSuchSocket",
    "PortalAnswers",
    "Registration",
    "ServerApiConsumer",
    "SignalConsumer",
    "SignalForwarder",
    "ValidateConsumer",
    "ValidateForwarder",
    "embedded",
    "forwarding",
    "relay_config",
]
