"""Faults of the ground a job stands on, which pass: the disk is full, the database does not answer."""

import errno

from django.db import InterfaceError, OperationalError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def passes(error: BaseException | None) -> bool:
    """Whether the same work may succeed once somebody has looked after the machine."""
    while error is not None:
        if isinstance(error, OperationalError | InterfaceError):
            return True
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
