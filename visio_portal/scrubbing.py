"""Keeps join tokens, and passwords alone or within URLs, out of every log line."""

import logging
import re

_SECRETS = re.compile(
    r"((?:access_token|join_request|token|password)=)[^&\s\"']+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|(?<=://)([^\s/:@]*:)[^\s/@]+(?=@)",
    re.I,
)


def scrub(text: str) -> str:
    """*text* with secret parameters, passwords in URLs and whatever is shaped like a JWT replaced by “…”."""
    return _SECRETS.sub(lambda match: (match.group(1) or match.group(2) or "") + "…", text)


class ScrubbingFormatter(logging.Formatter):
    """Scrubs the finished text, so that neither arguments nor a traceback carry a token past it."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))
