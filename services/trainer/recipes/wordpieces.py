"""Word pieces, as the encoder of `text-embedding` was trained with, word by word (pure).

A word is split greedily into the longest pieces that the encoder knows (Wu et al., "Google's
Neural Machine Translation System", 2016; Devlin et al., NAACL 2019). What a graph splits a text
into is looked up by word, so it knows the words of the encoder and those that are told to it.
"""

import re
import unicodedata
from collections.abc import Mapping
from itertools import groupby

from services.trainer.recipes.tokens import fold_case

# What the graph's Tokenizer is given (RE2), and its twin for Python's re below: a run of letters,
# marks and numbers, or one other character that is no white space. White space is that of ASCII,
# which no word holds; other spaces are one character each, and no word.
GRAPH_WORD = r"[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]"
_LONGEST_WORD = 100
_CONTINUED = "##"
_IDEOGRAPH = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PARTS = re.compile(f"[{_IDEOGRAPH}]|[^{_IDEOGRAPH}]+")
_ASCII_SPACE = " \t\n\r\f\v"


def _is_word(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LMN"


def split(text: str) -> list[str]:
    """Words and other characters of a text in their order, in lower case.

    Examples
    --------
    >>> split("Don't panic")
    ['don', "'", 't', 'panic']
    """
    words: list[str] = []
    for is_word, letters in groupby(fold_case(text), _is_word):
        if is_word:
            words.append("".join(letters))
        else:
            words += (letter for letter in letters if letter not in _ASCII_SPACE)
    return words


def pieces(word: str, vocabulary: Mapping[str, int], unknown: int) -> list[int]:
    """Numbers of the pieces of one word of `split`; that of `unknown` if it has none.

    Marks are left out, as the encoder never saw any; ideographs stand alone.
    """
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFD", word)
        if unicodedata.category(letter) != "Mn"
    )
    return [piece for part in _PARTS.findall(plain) for piece in _pieces(part, vocabulary, unknown)]


def _pieces(word: str, vocabulary: Mapping[str, int], unknown: int) -> list[int]:
    if len(word) > _LONGEST_WORD:
        return [unknown]
    found, start = [], 0
    while start < len(word):
        begin = _CONTINUED if start else ""
        for stop in range(len(word), start, -1):
            if (number := vocabulary.get(begin + word[start:stop])) is not None:
                break
        else:
            return [unknown]
        found.append(number)
        start = stop
    return found
