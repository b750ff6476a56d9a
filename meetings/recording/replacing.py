"""Files that appear whole or not at all."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# A job that still writes touches its file all the time; one untouched for so long belongs to a dead worker.
_ABANDONED_AFTER_S: Final = 3600


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Gives a path beside `out` to write to; renames it to `out` on success, removes it on failure.

    Each call has a name of its own, so that a worker that lost its lease cannot spoil its successor's
    file. What killed workers left behind is removed: it is somebody's voice.
    """
    for old in out.parent.glob(f".{out.name}.*.part"):
        if time.time() - old.stat().st_mtime > _ABANDONED_AFTER_S:
            old.unlink(missing_ok=True)
    part = out.with_name(f".{out.name}.{secrets.token_hex(6)}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
