"""The portal's certificate: made once, kept private, made anew when it must be; given files are checked."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from visio_portal import tls

HOSTS = ("localhost", "127.0.0.1", "[::1]", "visio-machine", "192.0.2.7", "[fd77::1]", ".visio.example", "*")


def _made(folder: Path, hosts: tuple[str, ...] = HOSTS) -> tls.Certificate:
    made = tls.certificate_for("self-signed", hosts, folder)
    assert made is not None
    return made


def _leaf(made: tls.Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made.chain[0])


def _given(folder: Path, certificate: tls.Certificate, key: bytes | None = None) -> str:
    """`VISIO_TLS` for files of the operator's own."""
    (folder / "cert.pem").write_bytes(b"".join(certificate.chain))
    (folder / "key.pem").write_bytes(key or certificate.key)
    return f"{folder / 'cert.pem'}:{folder / 'key.pem'}"


def test_without_the_variable_there_is_no_certificate(tmp_path: Path) -> None:
    assert tls.certificate_for("", HOSTS, tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_the_first_start_makes_one_and_the_second_finds_it(tmp_path: Path) -> None:
    first = _made(tmp_path)
    assert first.news == "A self-signed certificate was made."
    again = _made(tmp_path)
    assert (again.chain, again.news) == (first.chain, "")
    assert again.fingerprint == first.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["tls.pem"]


def test_it_is_for_every_name_and_address_and_outlives_a_year_of_use(tmp_path: Path) -> None:
    leaf = _leaf(_made(tmp_path))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {
        "localhost", "visio-machine", "visio.example", "*.visio.example",
    }  # fmt: skip
    assert set(names.get_values_for_type(x509.IPAddress)) == {
        ipaddress.ip_address(each) for each in ("127.0.0.1", "::1", "192.0.2.7", "fd77::1")
    }
    now = datetime.now(UTC)
    assert leaf.not_valid_before_utc < now - timedelta(hours=23)
    assert now + timedelta(days=365) < leaf.not_valid_after_utc < now + timedelta(days=398)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_key_is_its_owners_alone_also_after_a_backup_was_restored(tmp_path: Path) -> None:
    _made(tmp_path)
    path = tmp_path / "tls.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    _made(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_changed_addresses_bring_a_new_one_and_the_operator_is_told_which(tmp_path: Path) -> None:
    first = _made(tmp_path)
    second = _made(tmp_path, (*(host for host in HOSTS if host != "192.0.2.7"), "192.0.2.9"))
    assert second.fingerprint != first.fingerprint
    assert "\n" not in second.news
    assert "(192.0.2.7, 192.0.2.9)" in second.news


def test_one_that_will_soon_expire_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "LIFETIME", tls.RENEWAL)
    first = _made(tmp_path)
    monkeypatch.undo()
    second = _made(tmp_path)
    assert second.fingerprint != first.fingerprint
    assert "would have expired on" in second.news
    assert _made(tmp_path).news == ""


@pytest.mark.parametrize("content", [b"", b"rubbish"])
def test_a_damaged_one_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tls.pem").write_bytes(content)
    assert "was made anew: tls.pem holds no certificate" in _made(tmp_path).news
    assert _made(tmp_path).news == ""


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(tls.UnusableCertificate, match=r"tls\.pem"):
        _made(tmp_path / "missing")


def test_given_files_are_used_with_the_whole_chain(tmp_path: Path) -> None:
    leaf, authority = _made(tmp_path), _made(tmp_path, ("authority.example",))
    both = tls.Certificate(leaf.key, (*leaf.chain, *authority.chain))
    read = tls.certificate_for(_given(tmp_path, both), HOSTS, tmp_path)
    assert read == both
    assert read.fingerprint == leaf.fingerprint


def test_unusable_files_are_refused_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(wanted: str) -> str:
        with pytest.raises(tls.UnusableCertificate) as raised:
            tls.certificate_for(wanted, HOSTS, tmp_path)
        return str(raised.value)

    good, other = _made(tmp_path), _made(tmp_path, ("another.example",))
    assert "neither self-signed nor two files" in refusal("self_signed")
    assert "neither self-signed nor two files" in refusal(":key.pem")
    assert "missing.pem cannot be read" in refusal(f"{tmp_path}/missing.pem:{tmp_path}/key.pem")
    assert "is not that of the first certificate" in refusal(_given(tmp_path, good, other.key))
    assert "holds no private key" in refusal(_given(tmp_path, good, b"rubbish"))
    assert "holds no certificate" in refusal(f"{tmp_path / 'key.pem'}:{tmp_path / 'key.pem'}")
    monkeypatch.setattr(tls, "LIFETIME", timedelta(hours=1))
    assert "expired on" in refusal(_given(tmp_path, _made(tmp_path, ("expired.example",))))
