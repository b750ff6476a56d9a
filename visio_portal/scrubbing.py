"""Keeps join tokens and passwords out of every log line."""

import logging
import re

_SECRETS = re.compile(
    r"((?:access_token|join_request|token|password)=)[^&\s\"']+|\beyJ[\w-]+\.[\w-]+\.[\w-]*", re.I
)


def scrub(text: str) -> str:
    """*text* with the value of secret query parameters, and anything shaped like a JWT, replaced by “…”."""
    return _SECRETS.sub(lambda match: (match.group(1) or "") + "…", text)


class ScrubbingFormatter(logging.Formatter):
    """Scrubs the finished text, so that neither arguments nor a traceback carry a token past it."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))
