"""The terms of a text, exactly as the exported graph splits it: words, and parts of words."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

# What the graph's Tokenizer is given (RE2) and its twin for Python's re: both mean letters,
# numbers and underscore, two or more; combining marks split a word in both.
GRAPH_WORD = r"[\p{L}\p{N}_]{2,}"
_WORD = re.compile(r"\w{2,}")
LOCALE = "C.UTF-8"

SHORTEST_PART, LONGEST_PART = 2, 5
# A word with the white space on both sides. The search goes on at the second, which the next word
# has as its first.
_SPACED_WORD = re.compile(r"(?=(\s\S*\s))")

Kind = Literal["words", "characters"]


def fold_case(text: str) -> str:
    """Lower-case one character at a time, as the graph's StringNormalizer does.

    `str.lower` looks at the context of a final sigma and writes two characters for a dotted
    capital I; a per-character mapping does neither. All other characters agree.
    """
    return text.replace("\u0130", "i").replace("\u03a3", "\u03c3").lower()


def terms(text: str) -> list[str]:
    """Words of two or more characters and pairs of neighbours, joined by one space.

    Examples
    --------
    >>> terms("Not a GOOD day")
    ['not', 'good', 'day', 'not good', 'good day']
    """
    words = _WORD.findall(fold_case(text))
    return words + [f"{first} {second}" for first, second in pairwise(words)]


def parts(text: str) -> list[str]:
    """Two to five neighbouring characters, with white space at the ends at most.

    The text has one space before it and one after it, so that the beginning and the end of each
    word are parts of their own.

    Examples
    --------
    >>> parts("Ok!")
    [' o', 'ok', 'k!', '! ', ' ok', 'ok!', 'k! ', ' ok!', 'ok! ', ' ok! ']
    """
    words = _SPACED_WORD.findall(f" {fold_case(text)} ")
    return [
        word[start : start + length]
        for word in words
        for length in range(SHORTEST_PART, LONGEST_PART + 1)
        for start in range(len(word) - length + 1)
    ]


SPLITS: dict[Kind, Callable[[str], list[str]]] = {"words": terms, "characters": parts}
