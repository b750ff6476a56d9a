"""How an outage of the database stands in the log."""

import logging

from django.db import InterfaceError, OperationalError


class OneLine(logging.Filter):
    """A page that cannot be given for want of the database is one line, without a traceback of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OperationalError | InterfaceError):
            record.msg, record.args = "%s (%s)", (record.getMessage(), str(error).splitlines()[0])
            record.exc_info = record.exc_text = None
        return True
