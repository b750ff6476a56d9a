"""Reads the addresses of other servers.

What is wrong with one is said without repeating it, since it may hold a password.
"""

from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

REGISTERED = "registered"
"""In the place of a relay's address: relays tell where they are by themselves."""


def postgresql(url: str) -> dict[str, str]:
    """libpq's parameters of a ``postgresql://`` URL (libpq §34.1.1.2). Raises ValueError."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("must begin with postgresql:// (without it Visio uses SQLite in VISIO_DATA).")
    try:
        found = conninfo_to_dict(url)
    except psycopg.Error:
        raise ValueError(
            "cannot be read: postgresql://USER:PASSWORD@HOST:PORT/DATABASE is its form."
        ) from None
    if not found.get("dbname"):
        raise ValueError("names no database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE is its form.")
    return {name: str(value) for name, value in found.items() if value is not None}


def redis(url: str) -> str:
    """The URL itself, if it is one. Raises ValueError."""
    form = "redis://:PASSWORD@HOST:PORT/NUMBER is its form, or rediss:// for TLS."
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss") or not parts.hostname:
            raise ValueError
        parse_url(url)
        parts.port  # noqa: B018  (raises for a port that is none)
    except ValueError:
        raise ValueError(f"cannot be read: {form}") from None
    return url


def http(url: str) -> str:
    """``http://HOST[:PORT]``, or https, without a slash at its end."""
    parts = urlsplit(url.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("must be an address such as http://127.0.0.1:7880.")
    return url.rstrip("/")


def relay(url: str) -> str:
    """The address of one relay, or `REGISTERED`."""
    if url == REGISTERED:
        return url
    try:
        return http(url)
    except ValueError as error:
        raise ValueError(f"{error} With several relays it is the word “{REGISTERED}”.") from None
