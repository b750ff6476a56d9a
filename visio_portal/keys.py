"""The deployment's secrets: made at the first start, kept in the data folder, readable by its owner alone."""

import errno
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path


class KeysUnreadable(OSError):
    """The file of keys is there and is not what was written."""


@dataclass(frozen=True)
class Keys:
    """Django's signing key, the media server's key pair, and the recording keys' root (32 bytes, hex)."""

    django: str
    relay_key: str
    relay_secret: str
    recordings: str


def _fresh() -> Keys:
    return Keys(
        django=secrets.token_urlsafe(48),
        relay_key="visio" + secrets.token_hex(4),
        relay_secret=secrets.token_urlsafe(36),
        recordings=secrets.token_hex(32),
    )


def load_or_make(folder: Path) -> Keys:
    """The keys of the deployment whose state is in *folder*. Raises OSError where it cannot be used."""
    path = folder / "keys.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _create(path, _fresh())
    if path.stat().st_mode & 0o077:  # restored from a backup, perhaps
        path.chmod(0o600)
    try:
        return Keys(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        # Fresh keys instead would make every recording unreadable for good.
        raise KeysUnreadable(errno.EINVAL, "keys.json is damaged: restore it from a backup") from None


def _create(path: Path, keys: Keys) -> None:
    """Writes beside and links into place, so that two first starts at once agree on one set of keys."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".keys-")  # made with mode 0600
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(keys), file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)
