"""The relay alone: no settings, no database, no data folder; Django is not even loaded."""

import logging
import sys
from collections.abc import Sequence

from meetings.management import standalone
from visio_portal.addresses import announced_addresses
from visio_portal.scrubbing import ScrubbingFormatter


def wanted(words: Sequence[str]) -> bool:
    """Whether this command line, without the program's name, asks for it."""
    return list(words[:1]) == ["relay"] and "--standalone" in words


def main(words: Sequence[str]) -> None:
    """Runs until told to stop; what went wrong is the exit status and one sentence."""
    handler = logging.StreamHandler()
    handler.setFormatter(ScrubbingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("visio").setLevel(logging.INFO)
    try:
        standalone.run(words[1:], addresses=announced_addresses(), say=_say)
    except standalone.CannotListen as reason:
        sys.exit(str(reason))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
