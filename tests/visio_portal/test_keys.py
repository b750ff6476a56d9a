"""The deployment's secrets: made once, kept, readable by their owner alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from visio_portal import keys


def test_the_first_start_makes_keys_and_the_second_finds_them(tmp_path: Path) -> None:
    first = keys.load_or_make(tmp_path / "data")
    assert keys.load_or_make(tmp_path / "data") == first
    assert len(bytes.fromhex(first.recordings)) == 32
    assert len({first.django, first.relay_secret, first.recordings}) == 3


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    keys.load_or_make(tmp_path / "data")
    assert (tmp_path / "data" / "keys.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_starts_at_once_agree_on_one_set_of_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: keys.load_or_make(tmp_path), range(16)))
    assert len(set(made)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_keys_that_others_could_read_are_closed_to_them(tmp_path: Path) -> None:
    keys.load_or_make(tmp_path)
    (tmp_path / "keys.json").chmod(0o644)
    keys.load_or_make(tmp_path)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"django": "x"}'])
def test_damaged_keys_are_never_replaced(tmp_path: Path, content: str) -> None:
    """With other keys no recording could ever be read again."""
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(keys.KeysUnreadable, match="backup"):
        keys.load_or_make(tmp_path)
    assert (tmp_path / "keys.json").read_text() == content
