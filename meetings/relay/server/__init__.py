"""The relay as a whole, and the face it shows to whoever embeds it."""

from meetings.relay.dataplane.choice import NativePlaneMissing
from meetings.relay.server.census import process_census
from meetings.relay.server.config import RelayConfig
from meetings.relay.server.edge import Listener, application
from meetings.relay.server.relay import Relay
from meetings.relay.server.session import Session
from meetings.relay.server.turn import TurnServers

__all__ = [
    "Listener",
    "NativePlaneMissing",
    "Relay",
    "RelayConfig",
    "Session",
    "TurnServers",
    "application",
    "process_census",
]
