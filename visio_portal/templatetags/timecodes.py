"""Positions in a recording, and what is being done to it, as people read them."""

import json

from django import template
from django.utils.translation import gettext, gettext_noop

register = template.Library()

# What the workers call the stages of their jobs. An unknown stage is shown as it is called.
_STAGES = {
    "remuxing": gettext_noop("Making the recording playable"),
    "mixing": gettext_noop("Mixing everyone’s sound"),
    "decoding": gettext_noop("Reading the sound"),
    "transcribing": gettext_noop("Writing down what was said"),
    "merging": gettext_noop("Putting the speakers in order"),
    "indexing": gettext_noop("Making it searchable"),
    "retrying": gettext_noop("That failed; it will be tried again shortly"),
}


@register.filter
def timecode(seconds: float | None) -> str:
    """``m:ss``, or ``h:mm:ss`` from an hour on; empty where there is no position."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def stage_name(stage: str | None) -> str:
    """The stage in the reader's language; before any stage the work is waiting for its turn."""
    return gettext(_STAGES.get(stage, stage)) if stage else gettext("Waiting for its turn")


@register.simple_tag
def stage_names() -> str:
    """All stages in the reader's language as a JSON object: what the page's script words its updates with."""
    return json.dumps({stage: gettext(words) for stage, words in _STAGES.items()}, ensure_ascii=False)
