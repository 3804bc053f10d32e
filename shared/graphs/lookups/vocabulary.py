"""What a `TfIdfVectorizer` knows: its words, its terms and their weights."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from shared.graphs.lookups.messages import NotKnown, attributes_of, definitions

_LONGEST = 5
_MOST_COLUMNS = 10**7
_MODES = {b"TF", b"TFIDF"}


@dataclass(frozen=True)
class Vocabulary:
    """The terms of one vectorizer, each with its column of V, and their beginnings.

    A term of several words is found by its beginnings: each is looked up by the number of the one
    that is a word shorter, and the number of its last word.

    Attributes
    ----------
    words : each word of a term once; its place is its number, M in all
    shortest : words of the shortest term, at least 1
    steps : for two words, three words and so on up to the longest term, the keys of the beginnings
        of that length, int64: number of the shorter one times `factor`, plus that of the last word
    columns : shape (S,), int64
        By number, first the words, then the beginnings of each step in turn: the column of the
        term that it is, or V where it is none. The number of what is not known is S.
    weights : shape (V,), float32
        What a count is multiplied by.
    """

    words: list[bytes]
    shortest: int
    steps: list[NDArray[np.int64]]
    columns: NDArray[np.int64]
    weights: NDArray[np.float32]

    @property
    def unknown(self) -> int:
        """The number of what is no beginning of a term, S."""
        return len(self.columns)

    @property
    def factor(self) -> int:
        """More than any number, so that two numbers make one key."""
        return self.unknown + 1


def vocabulary_of(graph: Any, vectorizer: Any) -> Vocabulary:
    """Read the attributes of a vectorizer of up to five neighbouring words.

    Raises `NotKnown`: it counts something else, they contradict each other, or it reads no rows of
    words.
    """
    found = attributes_of(vectorizer)
    pool = list(found.get("pool_strings", []))
    columns = np.array(found.get("ngram_indexes", []), dtype=np.int64)
    shortest, longest = found.get("min_gram_length", 0), found.get("max_gram_length", 0)
    if (
        found.get("mode") not in _MODES
        or not 1 <= shortest <= longest <= _LONGEST
        or found.get("max_skip_count") != 0
        or _rank(graph, vectorizer.input[0]) != 2
    ):
        raise NotKnown
    numbers = {word: i for i, word in enumerate(dict.fromkeys(pool))}
    terms = _terms(found, [numbers[word] for word in pool], shortest, longest)
    if not 0 < len(columns) == sum(map(len, terms)) or columns.min() < 0:
        raise NotKnown
    if columns.max() > _MOST_COLUMNS or len(set(columns.tolist())) != len(columns):
        raise NotKnown
    weights = _weights(found, columns)
    given = iter(columns.tolist())
    column_of = {term: next(given) for length in terms for term in length}
    if len(column_of) != len(columns):
        raise NotKnown
    longest = max(map(len, column_of))
    number_of = _beginnings(column_of, longest, len(numbers))
    of_each = [column_of.get(one, len(weights)) for one in number_of]
    factor = len(number_of) + 1
    steps = [
        np.array(
            [number_of[one[:-1]] * factor + one[-1] for one in number_of if len(one) == length],
            dtype=np.int64,
        )
        for length in range(2, longest + 1)
    ]
    return Vocabulary(list(numbers), shortest, steps, np.array(of_each), weights)


def _terms(
    found: dict[str, Any], pool: list[int], shortest: int, longest: int
) -> list[list[tuple[int, ...]]]:
    """Return the terms of each length, as the numbers of their words; those too short are none."""
    starts = [*found.get("ngram_counts", []), len(pool)]
    if len(starts) != longest + 1 or starts[:shortest] != [0] * shortest:
        raise NotKnown
    terms = []
    for length, (start, stop) in enumerate(pairwise(starts), start=1):
        if not 0 <= start <= stop or (stop - start) % length:
            raise NotKnown
        terms.append([tuple(pool[at : at + length]) for at in range(start, stop, length)])
    return terms


def _beginnings(
    column_of: dict[tuple[int, ...], int], longest: int, n_words: int
) -> dict[tuple[int, ...], int]:
    """Number all words, and the beginnings of all terms, the shorter ones first."""
    number_of: dict[tuple[int, ...], int] = {(word,): word for word in range(n_words)}
    for length in range(2, longest + 1):
        for term in column_of:
            if len(term) >= length:
                number_of.setdefault(term[:length], len(number_of))
    return number_of


def _weights(found: dict[str, Any], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    weights = np.ones(int(columns.max()) + 1, dtype=np.float32)
    if found["mode"] == b"TFIDF" and "weights" in found:
        given = np.array(found["weights"], dtype=np.float32)
        if given.shape != columns.shape:
            raise NotKnown
        # Given in the order of the terms, as their columns are.
        weights[columns] = given
    return weights


def _rank(graph: Any, name: str) -> int | None:
    """Return how many axes the strings `name` have; None when that is not plain."""
    for given in graph.input:
        if given.name == name:
            of_strings = given.type.tensor_type.elem_type == TensorProto.STRING
            return len(given.type.tensor_type.shape.dim) if of_strings else None
    node = next((node for node in graph.node if name in node.output), None)
    if node is None:
        return None
    if node.op_type == "Flatten":
        return 2
    if node.op_type == "Reshape":
        return _length(graph, node.input[1])
    if node.op_type == "Tokenizer":
        rank = _rank(graph, node.input[0])
        return None if rank is None else rank + 1
    if node.op_type == "StringConcat":
        # One text on all: it has the axes of the other.
        texts = [name for name in node.input if _length(graph, name) != 1]
        return _rank(graph, texts[0]) if len(texts) == 1 else None
    return _rank(graph, node.input[0]) if node.op_type == "StringNormalizer" else None


def _length(graph: Any, name: str) -> int | None:
    """Return how many elements a constant list has; None when it is none, or has a namesake."""
    lists = [one.dims for one in graph.initializer if one.name == name and len(one.dims) == 1]
    return lists[0][0] if lists and definitions(graph).count(name) == 1 else None
