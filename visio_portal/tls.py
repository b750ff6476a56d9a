"""The portal's certificate: given by the operator, or made here and kept in the data folder."""

import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SELF_SIGNED = "self-signed"
# Browsers accept 398 days; a certificate is made anew at a start within the last thirty.
LIFETIME, RENEWAL = timedelta(days=397), timedelta(days=30)
_PEM = serialization.Encoding.PEM


class UnusableCertificate(Exception):
    """The wanted certificate cannot be served with; the message is for the operator."""


@dataclass(frozen=True)
class Certificate:
    """A private key and its certificate, then the chain's others, all PEM. `news` says why it was made."""

    key: bytes
    chain: tuple[bytes, ...]
    news: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as browsers show it."""
        return x509.load_pem_x509_certificate(self.chain[0]).fingerprint(hashes.SHA256()).hex(":").upper()


def certificate_for(wanted: str, hosts: Sequence[str], folder: Path) -> Certificate | None:
    """The certificate that ``VISIO_TLS`` asks for; None where it asks for none. Raises UnusableCertificate.

    *hosts* are the names it is for, as Django's ``ALLOWED_HOSTS`` has them.
    """
    if not wanted:
        return None
    if wanted == SELF_SIGNED:
        return _kept_or_made(folder / "tls.pem", hosts)
    certificate, colon, key = wanted.partition(":")
    if not (certificate and colon and key):
        raise UnusableCertificate("neither self-signed nor two files, CERTIFICATE:KEY")
    return _checked(_read(Path(certificate)), _read(Path(key)), certificate, key)


def _read(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise UnusableCertificate(f"{path} cannot be read ({error.strerror})") from None


def _checked(chain: bytes, key: bytes, chain_name: str, key_name: str) -> Certificate:
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise UnusableCertificate(f"{chain_name} holds no certificate in PEM form") from None
    try:
        private = serialization.load_pem_private_key(key, None)
    except TypeError:
        raise UnusableCertificate(
            f"the key in {key_name} asks for a passphrase: store it without one"
        ) from None
    except ValueError:
        raise UnusableCertificate(f"{key_name} holds no private key in PEM form") from None
    leaf, now = certificates[0], datetime.now(UTC)
    if leaf.public_key() != private.public_key():
        raise UnusableCertificate(
            f"the key in {key_name} is not that of the first certificate in {chain_name}"
        )
    if now > leaf.not_valid_after_utc:
        raise UnusableCertificate(
            f"the certificate in {chain_name} expired on {leaf.not_valid_after_utc:%Y-%m-%d}"
        )
    if now < leaf.not_valid_before_utc:
        raise UnusableCertificate(
            f"the certificate in {chain_name} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}"
        )
    return Certificate(key, tuple(each.public_bytes(_PEM) for each in certificates))


def _kept_or_made(path: Path, hosts: Sequence[str]) -> Certificate:
    names = _subject_names(hosts)
    news = "A self-signed certificate was made."
    if path.exists():
        try:
            kept = _checked(path.read_bytes(), path.read_bytes(), path.name, path.name)
        except (OSError, UnusableCertificate) as error:
            news = f"The self-signed certificate was made anew: {error}."
        else:
            outdated = _outdated(x509.load_pem_x509_certificate(kept.chain[0]), names)
            if not outdated:
                path.chmod(0o600)  # restored from a backup, perhaps
                return kept
            news = f"The self-signed certificate was made anew: {outdated}."
    key, certificate = _made(names)
    _keep(path, key + certificate)
    return Certificate(key, (certificate,), news)


def _outdated(certificate: x509.Certificate, names: Sequence[x509.GeneralName]) -> str:
    """Why the certificate serves no longer; nothing where it does."""
    if certificate.not_valid_after_utc - datetime.now(UTC) < RENEWAL:
        return f"it would have expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    before = set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    if before != set(names):
        changed = ", ".join(sorted(str(name.value) for name in before.symmetric_difference(names)))
        return f"the names and addresses of this machine have changed ({changed})"
    return ""


def _made(names: Sequence[x509.GeneralName]) -> tuple[bytes, bytes]:
    """A fresh key and its certificate, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Visio, {socket.gethostname()}"[:64])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # for clocks that are behind
        .not_valid_after(now - timedelta(days=1) + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, made.public_bytes(_PEM)


def _keep(path: Path, content: bytes) -> None:
    """Key and certificate in one file, put in place at once: they never belong to two makings."""
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".tls-")  # made with mode 0600
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(draft, path)
    except OSError as error:
        raise UnusableCertificate(f"{path} cannot be written ({error.strerror})") from None


def _subject_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    return list(dict.fromkeys(name for host in hosts for name in _names_of(host)))


def _names_of(host: str) -> Iterator[x509.GeneralName]:
    try:
        yield x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
        return
    except ValueError:
        pass
    bare = host.removeprefix(".")
    if bare and bare != "*" and bare.isascii():
        yield x509.DNSName(bare)
        if host.startswith("."):
            yield x509.DNSName(f"*.{bare}")
