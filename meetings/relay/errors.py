"""What can go wrong in the relay, named by cause."""


class RelayError(Exception):
    """Base of every error the relay raises."""


class MalformedPacket(RelayError):
    """A datagram that is not what its first bytes promise. Dropped and counted, never answered."""


class MalformedDescription(RelayError):
    """A session description that breaks RFC 8866 or our limits."""


class LimitExceeded(RelayError):
    """A peer asked for more than one peer may have."""


class Refused(RelayError):
    """A client is turned away: `public` is for the client, `reason` only for the log."""

    def __init__(self, *, status: int, public: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.public = public
        self.reason = reason
