"""What a `TfIdfVectorizer` knows: its words, its terms and their weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from shared.graphs.lookups.messages import NotKnown, attributes_of, definitions

_SINGLES, _PAIRS = 1, 2
_MOST_COLUMNS = 10**7
_MODES = {b"TF", b"TFIDF"}


@dataclass(frozen=True)
class Vocabulary:
    """The terms of one vectorizer, each with its column of V.

    Attributes
    ----------
    words : each word of a term once; its place is its number, M in all
    singles : shape (M + 1,), int64
        Column of the term that is this word alone; V where it is none, and for an unknown word.
    pairs, pair_columns : shape (P,), int64
        Number of the first word times (M + 1) plus that of the second, and the term's column.
    weights : shape (V,), float32
        What a count is multiplied by.
    """

    words: list[bytes]
    singles: NDArray[np.int64]
    pairs: NDArray[np.int64]
    pair_columns: NDArray[np.int64]
    weights: NDArray[np.float32]

    @property
    def width(self) -> int:
        """Number of columns, V."""
        return len(self.weights)


def vocabulary_of(graph: Any, vectorizer: Any) -> Vocabulary:
    """Read the attributes of a vectorizer of words and pairs of neighbours.

    Raises `NotKnown`: it counts something else, they contradict each other, or it reads no rows of
    words.
    """
    found = attributes_of(vectorizer)
    starts, pool = list(found.get("ngram_counts", [])), list(found.get("pool_strings", []))
    columns = np.array(found.get("ngram_indexes", []), dtype=np.int64)
    longest = found.get("max_gram_length")
    if (
        (found.get("mode"), found.get("min_gram_length")) not in {(mode, 1) for mode in _MODES}
        or longest not in {_SINGLES, _PAIRS}
        or found.get("max_skip_count") != 0
        or len(starts) != longest
        or _rank(graph, vectorizer.input[0]) != 2
    ):
        raise NotKnown
    n_singles = starts[1] if longest == _PAIRS else len(pool)
    paired = pool[n_singles:]
    if starts[0] != 0 or not 0 <= n_singles <= len(pool) or len(paired) % 2:
        raise NotKnown
    if not 0 < len(columns) == n_singles + len(paired) // 2 or columns.min() < 0:
        raise NotKnown
    if columns.max() > _MOST_COLUMNS:
        raise NotKnown
    numbers = {word: i for i, word in enumerate(dict.fromkeys(pool))}
    weights = _weights(found, columns)
    singles = np.full(len(numbers) + 1, len(weights), dtype=np.int64)
    singles[[numbers[word] for word in pool[:n_singles]]] = columns[:n_singles]
    ends = np.array([numbers[word] for word in paired], dtype=np.int64).reshape(-1, 2)
    pairs = ends[:, 0] * (len(numbers) + 1) + ends[:, 1]
    for given in (pool[:n_singles], pairs.tolist(), columns.tolist()):
        if len(set(given)) != len(given):
            raise NotKnown
    return Vocabulary(list(numbers), singles, pairs, columns[n_singles:], weights)


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
    return _rank(graph, node.input[0]) if node.op_type == "StringNormalizer" else None


def _length(graph: Any, name: str) -> int | None:
    """Return how many elements a constant list has; None when it is none, or has a namesake."""
    lists = [one.dims for one in graph.initializer if one.name == name and len(one.dims) == 1]
    return lists[0][0] if lists and definitions(graph).count(name) == 1 else None
