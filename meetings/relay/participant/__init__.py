"""A person in a room: transport, publications, subscriptions, and the signalling that steers them."""

from meetings.relay.participant.context import Context
from meetings.relay.participant.host import Host
from meetings.relay.participant.person import Participant
from meetings.relay.participant.requests import add_track, handle, permit, update_info

__all__ = ["Context", "Host", "Participant", "add_track", "handle", "permit", "update_info"]
