"""The ground that a test run stands on: SQLite alone, or a throw-away PostgreSQL and Redis.

``VISIO_TEST_GROUND=postgresql`` asks for the latter. The process that pytest was started in starts the
servers; its workers find their addresses in the environment, and have a database each.
"""

import atexit
import os
from contextlib import ExitStack

from visio_portal import throwaway

_SERVERS = "VISIO_TEST_SERVERS"


def prepare() -> None:
    """Sets the variables that Visio reads its ground from. Whatever the caller had in them is not used."""
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        os.environ.pop(name, None)
    if os.environ.get("VISIO_TEST_GROUND", "sqlite") == "sqlite":
        return
    if _SERVERS not in os.environ:
        os.environ[_SERVERS] = " ".join(_start())
    database, redis = os.environ[_SERVERS].split()
    os.environ["DATABASE_URL"] = database
    # A number of Redis for each worker, or one would hear of the others' jobs.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["REDIS_URL"] = redis.removesuffix("/0") + f"/{worker}"


def _start() -> tuple[str, str]:
    running = ExitStack()
    atexit.register(running.close)
    servers = (throwaway.postgresql(), throwaway.redis_server())
    database, redis = (running.enter_context(server).url for server in servers)
    return database, redis
