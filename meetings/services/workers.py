"""Which worker processes of this machine live: each holds a lock on a file of its own for as long.

The kernel lets go of the lock however the process ends, kill -9 and power cut included, and keeps it while
the process is merely stopped. So a free lock is certainty: its owner will never write again.
"""

import fcntl
import logging
import os
import re
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

log = logging.getLogger("visio.outbox")

_making = threading.Lock()
_own: dict[int, tuple[str, int]] = {}
"""By process number, since a forked child is a worker of its own: (name, descriptor that holds the lock)."""


def own_name() -> str:
    """This process's name, its lock held from now on. Empty where no file can be written for it."""
    with _making:
        if os.getpid() not in _own:
            try:
                _own[os.getpid()] = _locked()
            except OSError as error:
                log.warning("this worker cannot show that it lives: %s", error)
                return ""
        return _own[os.getpid()][0]


def ended() -> Iterator[str]:
    """Names of workers of this machine whose processes are gone. Those of other machines are not judged."""
    for path in sorted(_folder().glob(f"{_machine()}-*")):
        if _is_free(path):
            yield path.name


def is_ended(name: str) -> bool:
    """Whether this process of this machine is certainly gone. False also where that cannot be said."""
    return name.startswith(f"{_machine()}-") and _is_free(_folder() / name)


def forget(name: str) -> None:
    """An ended worker's file is not needed any more."""
    (_folder() / name).unlink(missing_ok=True)


def _is_free(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _locked() -> tuple[str, int]:
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{_machine()}-{os.getpid()}-{secrets.token_hex(6)}"
    draft = folder / f".{name}"
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    draft.rename(folder / name)  # it appears locked: nobody can take it for an ended worker's
    return name, descriptor


def _folder() -> Path:
    return Path(settings.WORKERS_DIR)


def _machine() -> str:
    return re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:40] or "here"
