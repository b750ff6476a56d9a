"""LiveKit's server API (Twirp), as far as the portal steers a meeting with it."""

from meetings.relay.api.dispatch import Api

__all__ = ["Api"]
