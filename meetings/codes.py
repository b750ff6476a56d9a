"""Meeting codes that can be read out over a telephone, such as ``abc-defg-hij``."""

import re
import secrets

# No i, l and o: they are misread as 1 and 0.
_LETTERS = "abcdefghjkmnpqrstuvwxyz"
PATTERN = "[a-z]{3}-[a-z]{4}-[a-z]{3}"


def new_code() -> str:
    """A random code of 45 bits, from the system's randomness."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(length)) for length in (3, 4, 3))


def is_code(text: str) -> bool:
    """Whether *text* has a code's shape."""
    return re.fullmatch(PATTERN, text) is not None
