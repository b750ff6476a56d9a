"""What serving over TLS needs to know of a certificate."""

from typing import Protocol


class ServedCertificate(Protocol):
    """`visio_portal.tls.Certificate`, which this app does not import; all of it PEM."""

    @property
    def key(self) -> bytes: ...

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificate, then those that vouch for it."""

    @property
    def news(self) -> str:
        """One line for the operator where it was just made; else nothing."""

    @property
    def fingerprint(self) -> str: ...
