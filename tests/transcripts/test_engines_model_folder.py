"""Models: from a folder, vouched for by checksums."""

import hashlib
import json
from pathlib import Path

import pytest

from transcripts.engines.model_folder import (
    WHISPER_LANGUAGES,
    check_sums,
    model_folder,
    whisper_languages,
)
from transcripts.errors import EngineUnusable, ModelRefused


def vouched(folder: Path, **files: bytes) -> Path:
    """A model folder with its SHA256SUMS, as sha256sum writes it."""
    lines = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  ./{name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder


def test_a_folder_that_agrees_with_its_sums_passes(tmp_path: Path) -> None:
    folder = vouched(tmp_path, model=b"weights", tokenizer=b"{}")
    check_sums(folder)
    (folder / "model").write_bytes(b"weightz")
    with pytest.raises(ModelRefused, match="model does not match"):
        check_sums(folder)


def test_missing_and_unlisted_files_are_refused(tmp_path: Path) -> None:
    folder = vouched(tmp_path, model=b"weights", tokenizer=b"{}")
    (folder / "extra.py").write_text("")
    with pytest.raises(ModelRefused, match=r"extra\.py is not listed"):
        check_sums(folder)
    (folder / "extra.py").unlink()
    (folder / "tokenizer").unlink()
    with pytest.raises(ModelRefused, match="tokenizer is missing"):
        check_sums(folder)


def test_an_unreadable_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text("nonsense\n")
    with pytest.raises(ModelRefused, match="cannot be read"):
        check_sums(tmp_path)


def test_the_only_folder_is_taken_and_several_need_a_name(tmp_path: Path) -> None:
    with pytest.raises(EngineUnusable, match="no model in"):
        model_folder(tmp_path, "faster-whisper", "")
    (tmp_path / "faster-whisper" / "small").mkdir(parents=True)
    assert model_folder(tmp_path, "faster-whisper", "").name == "small"
    (tmp_path / "faster-whisper" / "large").mkdir()
    with pytest.raises(EngineUnusable, match="2 models"):
        model_folder(tmp_path, "faster-whisper", "")
    assert model_folder(tmp_path, "faster-whisper", "large").name == "large"


@pytest.mark.parametrize("name", ["../small", "/etc", "a/b"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EngineUnusable, match="is not the name"):
        model_folder(tmp_path, "faster-whisper", name)


def test_languages_follow_the_vocabulary(tmp_path: Path) -> None:
    with pytest.raises(EngineUnusable, match="vocabulary"):
        whisper_languages(tmp_path)
    (tmp_path / "vocabulary.json").write_text(json.dumps(["one", "two"]))
    assert whisper_languages(tmp_path) == {"en"}
    (tmp_path / "vocabulary.json").write_text(json.dumps(["one", "", "two"]))
    assert whisper_languages(tmp_path) == WHISPER_LANGUAGES
    (tmp_path / "vocabulary.json").unlink()
    (tmp_path / "vocabulary.txt").write_text("one\ntwo\n")
    assert whisper_languages(tmp_path) == {"en"}
    (tmp_path / "vocabulary.txt").write_text("one\n\ntwo\n")
    assert whisper_languages(tmp_path) == WHISPER_LANGUAGES
    assert {"fr", "de", "en"} <= WHISPER_LANGUAGES
