"""Where a meeting's files lie, and the keys that seal its record logs."""

import secrets
import shutil
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from meetings.errors import MeetingsError
from meetings.models import Meeting, Recording


def meeting_folder(meeting: Meeting) -> Path:
    return Path(settings.RECORDINGS_DIR) / str(meeting.ministry_id) / str(meeting.id)


def recording_prefix(recording: Recording) -> str:
    """The recording's folder, relative to the recordings folder; told to the media server."""
    return f"{recording.ministry_id}/{recording.meeting_id}/{recording.id}"


def recording_folder(recording: Recording) -> Path:
    return Path(settings.RECORDINGS_DIR) / recording_prefix(recording)


def folder_remove(folder: Path) -> None:
    """Removes a folder with all its files; absent is as good as removed."""
    shutil.rmtree(folder, ignore_errors=True)


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
