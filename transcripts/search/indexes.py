"""Which index each database has."""

from transcripts.search.index import Index
from transcripts.search.index_postgres import PostgresIndex
from transcripts.search.index_sqlite import SqliteIndex

BY_VENDOR: dict[str, Index] = {"postgresql": PostgresIndex(), "sqlite": SqliteIndex()}
"""By what Django calls the database."""
