"""Where a meeting's files lie, and the keys that seal its record logs."""

import re
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from meetings.errors import MeetingsError
from meetings.models import Recording


def meeting_folder(ministry_id: UUID, meeting_id: UUID) -> Path:
    """Named by keys: files outlive the meeting's row by a moment."""
    return Path(settings.RECORDINGS_DIR) / str(ministry_id) / str(meeting_id)


def recording_prefix(recording: Recording) -> str:
    """The recording's folder, relative to the recordings folder; told to the media server."""
    return f"{recording.ministry_id}/{recording.meeting_id}/{recording.id}"


def recording_folder(recording: Recording) -> Path:
    return Path(settings.RECORDINGS_DIR) / recording_prefix(recording)


def folder_remove(folder: Path) -> None:
    """Removes a folder with all its files; absent is as good as removed. Raises OSError.

    Renamed first: a worker that still writes there finds no folder any more, and can leave nothing behind.
    """
    doomed = folder.with_name(f".removed-{folder.name}")
    if doomed.exists():
        shutil.rmtree(doomed)
    if folder.exists():
        folder.rename(doomed)
        shutil.rmtree(doomed)


def attempt_folder(recording: Recording, kind: str, attempt: int, *, keep: Collection[str] = ()) -> Path:
    """A fresh folder for what one attempt of a job writes, within the recording's own. Raises OSError.

    Each attempt has its own, so that a worker which was thought dead and comes back can neither spoil nor
    replace what its successor wrote. What earlier attempts left is removed, but for the folders in `keep`.
    """
    attempts_remove(recording, kind, before=attempt, keep=keep)
    folder = recording_folder(recording) / f"{kind}-{attempt}"
    folder.mkdir(mode=0o700)
    return folder


def attempts_remove(
    recording: Recording, kind: str, *, before: int | None = None, keep: Collection[str] = ()
) -> None:
    """Removes what attempts of this kind left, all or those before one of them. Raises OSError."""
    for path in recording_folder(recording).glob(f"*{kind}-*"):
        named = re.fullmatch(rf"(\.removed-)?{kind}-(\d+)", path.name)
        if named is None or path.name in keep:
            continue
        if named[1]:  # whoever was removing it was killed
            shutil.rmtree(path, ignore_errors=True)
        elif before is None or int(named[2]) < before:
            folder_remove(path)


def sealed_key_new(recording_id: str) -> bytes:
    """A fresh 32-byte key, sealed by the deployment's root key (AES-256-GCM, bound to the recording)."""
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(settings.RECORDINGS_ROOT_KEY).encrypt(
        nonce, secrets.token_bytes(32), recording_id.encode()
    )
    return nonce + sealed


def key_unseal(recording: Recording) -> bytes:
    """The 32-byte key of a recording's logs. Raises MeetingsError where the root key is another one."""
    sealed = bytes(recording.sealed_key)
    try:
        return AESGCM(settings.RECORDINGS_ROOT_KEY).decrypt(
            sealed[:12], sealed[12:], str(recording.id).encode()
        )
    except InvalidTag:
        raise MeetingsError("The recording's key cannot be opened with this deployment's root key.") from None
