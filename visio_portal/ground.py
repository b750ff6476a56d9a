"""What Django and Celery are told of the ground Visio stands on: SQLite alone, or PostgreSQL and Redis."""

from pathlib import Path
from typing import Any

from visio_portal.environment import IN_PROCESS_BROKER, Services

# Of one process: requests, worker threads and lease heartbeats share them. PostgreSQL gives 100 by default.
CONNECTIONS = 20
# A page that cannot have a connection says so instead of letting its reader wait.
DATABASE_PATIENCE_SECONDS = 5
# Redis answers within a millisecond, or not at all.
REDIS_PATIENCE_SECONDS = 1.0


def databases(services: Services, data: Path) -> dict[str, Any]:
    """Django's ``DATABASES``."""
    return {"default": _postgresql(dict(services.postgresql)) if services.postgresql else _sqlite(data)}


def _sqlite(data: Path) -> dict[str, Any]:
    """Write-ahead log, so that readers never wait; IMMEDIATE, so that no writer fails midway for a lock."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": data / "visio.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        },
        "TEST": {"NAME": data / "test.sqlite3"},
    }


def _postgresql(libpq: dict[str, str]) -> dict[str, Any]:
    """One pool per process, opened by the first query and so after any fork.

    Each connection is tried before it is lent: after a restart of the database the next page works.
    """
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": libpq.pop("dbname"),
        "USER": libpq.pop("user", ""),
        "PASSWORD": libpq.pop("password", ""),
        "HOST": libpq.pop("host", ""),
        "PORT": libpq.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": DATABASE_PATIENCE_SECONDS,
            **libpq,
            "pool": {
                "min_size": 1,
                "max_size": CONNECTIONS,
                "timeout": DATABASE_PATIENCE_SECONDS,
                # Tries again at most this far apart once the database is away.
                "reconnect_timeout": 5,
            },
        },
    }


def caches(services: Services) -> dict[str, Any]:
    """Django's ``CACHES``: limits on tries are counted there, together by all processes where Redis is."""
    if not services.redis:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    patience = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), REDIS_PATIENCE_SECONDS)
    return {
        "default": {
            "BACKEND": "visio_portal.cache.SharedCache",
            "LOCATION": services.redis,
            "KEY_PREFIX": "visio",
            "OPTIONS": patience,
        }
    }


def broker_options(services: Services) -> dict[str, Any]:
    """Celery's transport options. Wake-ups may be lost or doubled: the outbox holds the truth."""
    if services.broker == IN_PROCESS_BROKER:
        return {"polling_interval": 0.05}  # picks a job up in 34 ms instead of 879 ms (measured)
    return {
        # Longer than kombu's waiting for the next message (1 s).
        "socket_timeout": 5.0,
        "socket_connect_timeout": REDIS_PATIENCE_SECONDS,
        # A wake-up that no worker came to within an hour is delivered again; its job may be done by then.
        "visibility_timeout": 3600,
    }
