"""A throw-away coturn, configured as docs/network.md shows, and its certificate's authority."""

import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.e2e.machines import Machine, listening

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "network.md"
NAME, PORT, TLS_PORT = "turn.visio.example", 3478, 5349


@dataclass(frozen=True)
class Coturn:
    """A running server; `authority` signed its certificate."""

    secret: str
    port: int
    tls_port: int
    log: Path
    authority: Path


@contextmanager
def coturn(folder: Path, machine: Machine, address: str, *, relay_ip: str, peer: str) -> Iterator[Coturn]:
    """Listens at `address` of the machine, relays from `relay_ip`, and to `peer` alone."""
    secret = secrets.token_hex(16)
    authority = _certificate(folder)
    told = {
        "listening-ip": address,
        "relay-ip": relay_ip,
        "allowed-peer-ip": peer,
        "static-auth-secret": secret,
        "cert": str(folder / "turn.pem"),
        "pkey": str(folder / "turn.key"),
        "listening-port": str(PORT),
        "tls-listening-port": str(TLS_PORT),
    }
    ours = [
        f"userdb={folder / 'turndb'}",
        f"pidfile={folder / 'turn.pid'}",
        f"log-file={folder / 'turn.log'}",
        "simple-log",
        "verbose",
    ]
    (folder / "turn.conf").write_text("\n".join([*_documented(told), *ours]) + "\n")
    log = folder / "turn.log"
    command = machine.inside("turnserver", "-c", str(folder / "turn.conf"))
    log.touch()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            listening(machine, address, TLS_PORT, process)
            yield Coturn(secret, PORT, TLS_PORT, log, authority)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _documented(told: Mapping[str, str]) -> list[str]:
    """The lines that operators are shown, each of `told` with our value; all of them must be there."""
    (shown,) = re.findall(r"```conf\n(.*?)```", DOCUMENT.read_text(), re.S)
    lines = [line.partition("#")[0].strip() for line in shown.splitlines()]
    assert set(told) <= {line.partition("=")[0] for line in lines}
    names = [(line.partition("=")[0], line) for line in lines if line]
    return [f"{name}={told[name]}" if name in told else line for name, line in names]


def _certificate(folder: Path) -> Path:
    """A key and a certificate for `NAME`, signed by an authority of its own, whose file is the answer."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's TURN server")])
    now, pem = datetime.now(UTC), serialization.Encoding.PEM

    def signed(name: x509.Name, public: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> bytes:
        made = x509.CertificateBuilder(issuer, name, public, x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        for extension in extensions:
            made = made.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return made.sign(authority, hashes.SHA256()).public_bytes(pem)

    ca = folder / "authority.pem"
    ca.write_bytes(signed(issuer, authority.public_key(), x509.BasicConstraints(ca=True, path_length=0)))
    names = x509.SubjectAlternativeName([x509.DNSName(NAME)])
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    leaf = signed(
        subject, key.public_key(), names, x509.BasicConstraints(ca=False, path_length=None), purpose
    )
    (folder / "turn.pem").write_bytes(leaf)
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "turn.key").write_bytes(private)
    return ca
