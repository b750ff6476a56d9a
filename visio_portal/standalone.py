"""The relay alone: no database, no data folder, few of the settings; Django is not even loaded."""

import logging
import os
import sys
from collections.abc import Sequence

from meetings.management import standalone
from visio_portal.addresses import announced_addresses
from visio_portal.forwarding import forwarding
from visio_portal.scrubbing import ScrubbingFormatter
from visio_portal.turn import turn as read_turn


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
        turn = _turn_servers()
        told = forwarding(*(os.environ.get(name, "") for name in ("VISIO_RELAY_PLANE", "VISIO_RELAY_GSO")))
    except ValueError as reason:
        sys.exit(str(reason))
    try:
        standalone.run(
            words[1:],
            addresses=announced_addresses(),
            say=_say,
            turn=turn,
            plane=told.plane,
            gso=told.gso,
        )
    except standalone.CannotListen as reason:
        sys.exit(str(reason))


def _turn_servers() -> standalone.TurnServers | None:
    """In the environment alone: a command line is seen by everyone on the machine."""
    told = read_turn(os.environ.get("VISIO_TURN_URLS", ""), os.environ.get("VISIO_TURN_SECRET", "").strip())
    return standalone.TurnServers(told.urls, told.secret) if told.urls else None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
