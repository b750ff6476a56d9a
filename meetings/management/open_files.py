"""How many sockets a process may have open."""

import resource
from typing import Final

# Each person has a signalling socket, and over TCP two more; systems allow 1,024 unless asked for more.
_WANTED: Final = 65_536


def allow_many_sockets() -> int:
    """Raises the process's own limit as far as the system lets it; the limit from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
