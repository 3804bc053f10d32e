"""Items that are most like one, among those that people have labelled last (pure).

Texts are compared by their words: the share that two items have in common of all words of both
(Jaccard), in any order and without regard to case.
"""

import heapq
import re
from collections.abc import Iterable, Mapping
from typing import Any

_WORD = re.compile(r"\w+")
_MOST_WORDS, _MOST_CHARACTERS = 2_000, 100_000


def words_of(data: Mapping[str, Any]) -> frozenset[str]:
    """Return the words of an item's texts, the first 2,000.

    Examples
    --------
    >>> sorted(words_of({"text": "The box, the BOX", "stars": 4}))
    ['box', 'the']
    """
    found: set[str] = set()
    for value in data.values():
        if not isinstance(value, str):
            continue
        for word in _WORD.finditer(value[:_MOST_CHARACTERS].casefold()):
            found.add(word[0])
            if len(found) >= _MOST_WORDS:
                return frozenset(found)
    return frozenset(found)


def nearest(
    words: frozenset[str], others: Iterable[tuple[str, Mapping[str, Any]]], most: int
) -> list[tuple[float, str]]:
    """Return similarity, in (0, 1], and id of up to `most` items with a word in common.

    Parameters
    ----------
    others : ids and data

    Examples
    --------
    >>> nearest(frozenset({"a", "b"}), [("x", {"t": "b c"}), ("y", {"t": "c"})], 5)
    [(0.3333333333333333, 'x')]
    """
    scored = (
        (len(words & theirs) / len(words | theirs), item_id)
        for item_id, data in others
        if words & (theirs := words_of(data))
    )
    return heapq.nlargest(most, scored)
