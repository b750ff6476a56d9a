"""Cuts long speaker turns into passages, so that a query's words are found close together."""

from collections.abc import Iterator, Sequence

SHORTEST, LONGEST = 45, 75
"""Words. About half a minute of speech, about a paragraph on the page."""


def passages(times: Sequence[tuple[float, float]]) -> Iterator[range]:
    """Positions of the words of each passage, given every word's (start, end) in seconds.

    A cut lies in the longest pause that keeps the lengths, which is where a sentence most likely ends: what
    runs across a cut cannot be found as a phrase.
    """
    first = 0
    while len(times) - first > LONGEST:
        cut = max(
            range(first + SHORTEST, first + LONGEST + 1), key=lambda at: times[at][0] - times[at - 1][1]
        )
        yield range(first, cut)
        first = cut
    if first < len(times):
        yield range(first, len(times))
