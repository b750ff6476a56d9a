"""What people type, made safe to store and to show: names, titles, messages."""

import unicodedata

# Needed inside words of several scripts, and inside emoji.
_JOINERS = "\u200c\u200d"
# Control, format (among them the marks that turn the reading direction), surrogate and unassigned characters.
_HIDDEN = {"Cc", "Cf", "Cs", "Cn", "Co"}


def one_line(text: str) -> str:
    """A name or title: visible characters only, single spaces; empty where nothing would be seen.

    An invisible or direction-turning character in a name lets one person pass for another.
    """
    shown = "".join(" " if character.isspace() else _shown(character, _JOINERS) for character in text)
    line = " ".join(unicodedata.normalize("NFC", shown).split())
    return line if line.strip(_JOINERS) else ""


def message(text: str) -> str:
    """A text of several lines: as typed, without characters that cannot be seen or stored."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_shown(character, _JOINERS + "\n\t") for character in unified).strip()


def same_name(one: str, other: str) -> bool:
    """Whether people would read the two as the same name."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _shown(character: str, kept: str) -> str:
    return character if character in kept or unicodedata.category(character) not in _HIDDEN else ""
