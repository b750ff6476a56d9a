"""The current ministry, and managers that refuse to answer without one.

Every tenant row carries its ministry's key, and its default manager filters by the ministry chosen with
``scope``. A query outside any scope raises: forgetting the tenant fails loudly instead of leaking. Where code
must look across ministries it says so with ``across`` and a reason a reviewer can judge.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

from django.db import models

from accounts.errors import UnscopedQuery

_ACROSS = object()
_current: ContextVar[UUID | object | None] = ContextVar("visio_tenant", default=None)

Row = TypeVar("Row", bound=models.Model, covariant=True)


@contextmanager
def scope(ministry_id: UUID) -> Iterator[None]:
    """Within the block every tenant query is confined to this ministry."""
    token = _current.set(ministry_id)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def across(reason: str) -> Iterator[None]:
    """Within the block tenant queries see every ministry. *reason* documents why that is right here."""
    if not reason:
        raise UnscopedQuery("Looking across ministries needs a reason.")
    token = _current.set(_ACROSS)
    try:
        yield
    finally:
        _current.reset(token)


def current_ministry_id() -> UUID:
    """The ministry chosen by the innermost ``scope``. Raises UnscopedQuery where there is none."""
    current = _current.get()
    if not isinstance(current, UUID):
        raise UnscopedQuery("No ministry is chosen here.")
    return current


class TenantManager(models.Manager[Row]):
    """Default manager of tenant rows: filters by the current ministry, raises UnscopedQuery without one."""

    def get_queryset(self) -> models.QuerySet[Row]:
        current = _current.get()
        rows = super().get_queryset()
        if current is _ACROSS:
            return rows
        if current is None:
            raise UnscopedQuery(f"{self.model.__name__} was queried while no ministry was chosen.")
        return rows.filter(ministry_id=current)


class TenantModel(models.Model):
    """Base of every row that belongs to one ministry."""

    ministry = models.ForeignKey("accounts.Ministry", on_delete=models.PROTECT, related_name="+")

    objects: TenantManager[Any] = TenantManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Takes the current ministry where none was named; refuses to write into another one's rows."""
        current = _current.get()
        if self.ministry_id is None:
            self.ministry_id = current_ministry_id()
        elif current is not _ACROSS and self.ministry_id != current:
            raise UnscopedQuery(f"{type(self).__name__} of another ministry cannot be written here.")
        super().save(*args, **kwargs)
