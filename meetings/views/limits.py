"""How often visitors may try codes and come in as somebody new, counted by address and minute.

Counted in Django's cache: by all processes together where it is in Redis, by each for itself where that is
local memory. Codes have 45 random bits, and this keeps a guesser slow, no more. Signed-in people are known
and not counted.
"""

import time

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext as _

from meetings.errors import TooMany

# A ministry may sit behind one address, and some of its people mistype a code.
WRONG_CODES = 60
# A full room that comes in within a minute from one address, and half of it again.
GUESTS = 300
_MINUTE = 60


def wrong_code(request: HttpRequest) -> None:
    """Counts a visitor's try of a code that names no meeting."""
    if not request.user.is_authenticated:
        _count(_key(request, "codes"))


def require_codes_left(request: HttpRequest) -> None:
    """Raises TooMany where too many wrong codes came from the visitor's address; right ones wait as well."""
    if not request.user.is_authenticated and cache.get(_key(request, "codes"), 0) >= WRONG_CODES:
        raise _too_many()


def guest_comes(request: HttpRequest, room: str) -> None:
    """Counts a visitor's request to come into the room. Raises TooMany."""
    if not request.user.is_authenticated and _count(_key(request, f"guests:{room}")) > GUESTS:
        raise _too_many()


def _key(request: HttpRequest, what: str) -> str:
    address = get_adapter(request).get_client_ip(request)
    return f"tries:{what}:{address}:{int(time.time() // _MINUTE)}"


def _count(key: str) -> int:
    cache.add(key, 0, timeout=2 * _MINUTE)
    try:
        return int(cache.incr(key))
    except ValueError:  # forgotten meanwhile: the shared cache has gone away, or come back
        return 1


def _too_many() -> TooMany:
    return TooMany(_("Too many tries from your network. Please wait a minute."))
