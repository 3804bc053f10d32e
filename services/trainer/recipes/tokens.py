"""The words of a text, exactly as the exported graph splits it."""

import re
from itertools import pairwise

# What the graph's Tokenizer is given (RE2) and its twin for Python's re: both mean letters,
# numbers and underscore, two or more; combining marks split a word in both.
GRAPH_WORD = r"[\p{L}\p{N}_]{2,}"
_WORD = re.compile(r"\w{2,}")
LOCALE = "C.UTF-8"


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
