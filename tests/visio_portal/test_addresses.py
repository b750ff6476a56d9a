"""Which addresses are announced, and in which order."""

from pathlib import Path

import pytest

from visio_portal import addresses


def test_families_take_turns_and_what_few_can_reach_comes_last() -> None:
    found = [
        "10.0.0.1",
        "192.168.1.1",
        "fd77::1",
        "2a00:1::1",
        "fe80::1%eth0",
        "::1",
        "127.0.0.1",
        "169.254.3.4",
    ]
    assert addresses._ordered(found) == ("2a00:1::1", "10.0.0.1", "fd77::1", "192.168.1.1")


def test_a_machine_without_ipv6_announces_what_it_always_did() -> None:
    assert addresses._ordered(["127.0.0.1", "10.0.0.1", "192.168.1.1"]) == ("10.0.0.1", "192.168.1.1")
    assert addresses._ordered(["127.0.0.1", "169.254.3.4"]) == ("169.254.3.4",)


def test_temporary_and_deprecated_addresses_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "if_inet6"
    rows = {"2a000001000000000000000000000001": "80", "2a000001000000000000000000000002": "01",
            "2a000001000000000000000000000003": "20", "2a000001000000000000000000000004": "40"}  # fmt: skip
    table.write_text("".join(f"{host} 04 40 00 {flags}     eth0\n" for host, flags in rows.items()))
    monkeypatch.setattr(addresses, "_IF_INET6", table)
    found = [f"2a00:1::{last}" for last in (1, 2, 3, 4)]
    assert addresses._ordered(found) == ("2a00:1::1", "2a00:1::4")


def test_a_machine_with_loopback_alone_announces_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_interface_addresses", lambda: ["127.0.0.1", "::1"])
    assert addresses.announced_addresses() == ("127.0.0.1",)


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("pc", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, only_here: bool) -> None:
    assert addresses.is_loopback(host) is only_here
