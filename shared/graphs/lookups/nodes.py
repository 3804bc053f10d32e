"""Nodes that work with the terms of a text instead of a row as long as the vocabulary."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from shared.graphs.lookups.messages import ML
from shared.graphs.lookups.vocabulary import Vocabulary

Floats = NDArray[np.float32]


class TermNodes:
    """Makes nodes about the terms of one vectorizer; the names of all begin with `at`.

    Attributes
    ----------
    constants : the tensors that the nodes made so far read
    """

    def __init__(self, at: str) -> None:
        self.constants: list[Any] = []
        self._at = at
        self._made = 0

    def name(self, meaning: str = "") -> str:
        """Return a name that is not used yet."""
        self._made += 1
        return f"{self._at}{self._made}{meaning}"

    def columns(self, words: str, vocabulary: Vocabulary) -> list[Any]:
        """Nodes from words, strings [n, T], to the columns of their terms, and how often each is.

        Columns are int64 [n, L], counts float32 [n, L], and L is 2T - 1. A word or pair that is no
        term has the column after the last. Each column comes once, so a sum has a summand a term
        and not one an occurrence: in a long text those would add up to more than the rounding of
        one.
        """
        return [*self._places(words, vocabulary), *self._counted(vocabulary.width)]

    def _places(self, words: str, vocabulary: Vocabulary) -> list[Any]:
        """Nodes for the column of each place: first the words, then the pairs."""
        unknown = len(vocabulary.words)
        encode = helper.make_node(
            *("LabelEncoder", [words], [self.name("words")]),
            domain=ML,
            keys_strings=vocabulary.words,
            values_int64s=list(range(unknown)),
            default_int64=unknown,
        )
        if not len(vocabulary.pairs):
            return [encode, self._gather(vocabulary.singles, encode.output[0], self._unsorted)]
        singles = self._gather(vocabulary.singles, encode.output[0])
        first, second = self._neighbours(encode.output[0])
        shifted = self._node("Mul", [first.output[0], self._constant(np.int64(unknown + 1))])
        keys = self._node("Add", [shifted.output[0], second.output[0]])
        pairs = helper.make_node(
            *("LabelEncoder", keys.output, [self.name("pairs")]),
            domain=ML,
            keys_int64s=vocabulary.pairs.tolist(),
            values_int64s=vocabulary.pair_columns.tolist(),
            default_int64=vocabulary.width,
        )
        both = [singles.output[0], pairs.output[0]]
        joined = self._node("Concat", both, self._unsorted, axis=1)
        return [encode, singles, first, second, shifted, keys, pairs, joined]

    def products(self, matrix: Floats, output: str, divisor: str | None = None) -> list[Any]:
        """Nodes for counts [n, V] times `matrix` [V, K], over `divisor` [n, 1]; float32 [n, K]."""
        table = np.vstack([matrix, np.zeros((1, matrix.shape[1]))]).astype(np.float32)
        found = self._gather(table, self._columns)
        axis = self._constant(np.array([1]))
        row = self._node("Unsqueeze", [self._counts, axis])
        total = self._node("MatMul", [row.output[0], found.output[0]])
        if divisor is None:
            return [found, row, total, self._node("Squeeze", [total.output[0], axis], output)]
        flat = self._node("Squeeze", [total.output[0], axis])
        return [found, row, total, flat, self._node("Div", [flat.output[0], divisor], output)]

    def length(self, weights: Floats, output: str) -> list[Any]:
        """Nodes for the length of counts times `weights` [V], 1 in place of 0; [n, 1]."""
        squared = self.name("squared")
        root = self._node("Sqrt", [squared])
        zero, one = (self._constant(np.float32(value)) for value in (0, 1))
        none = self._node("Equal", [root.output[0], zero])
        length = self._node("Where", [none.output[0], one, root.output[0]], output)
        return [*self.squares(weights * weights, squared), root, none, length]

    def squares(self, factors: Floats, output: str) -> list[Any]:
        """Nodes for the sum of squared counts times `factors` [V]; float32 [n, 1]."""
        found = self._gather(np.append(factors, 0).astype(np.float32), self._columns)
        squared = self._node("Mul", [self._counts, self._counts])
        parts = self._node("Mul", [squared.output[0], found.output[0]])
        axes = [parts.output[0], self._constant(np.array([1]))]
        return [found, squared, parts, self._node("ReduceSum", axes, output, keepdims=1)]

    def _counted(self, width: int) -> list[Any]:
        """Nodes for each column once, and its count.

        The sorted columns fall into runs of equal ones, and a run is as long as its term's count.
        Which run a place belongs to is the number of changes before it. Places that are left over
        have the column after the last and no count.
        """
        ordered, runs = self._runs()
        columns, run, shape = ordered.output[0], runs[-1].output[0], runs[0].output[0]
        unknown, zeros, ones = (
            self._node("ConstantOfShape", [shape], value=numpy_helper.from_array(filled))
            for filled in (np.full(1, width), np.zeros(1, np.float32), np.ones(1, np.float32))
        )
        distinct = [unknown.output[0], run, columns]
        counted = [zeros.output[0], run, ones.output[0]]
        return [
            *(*runs, unknown, zeros, ones),
            self._node("ScatterElements", distinct, self._columns, axis=1),
            self._node("ScatterElements", counted, self._counts, axis=1, reduction=b"add"),
        ]

    def _runs(self) -> tuple[Any, list[Any]]:
        """Return the node that sorts the columns, and all nodes, from their shape to their runs."""
        shape = self._node("Shape", [self._unsorted])
        one, two = (self._constant(np.array([value])) for value in (1, 2))
        size = self._node("Slice", [shape.output[0], one, two])
        given = [self._unsorted, size.output[0]]
        names = [self.name("sorted"), self.name()]
        ordered = helper.make_node("TopK", given, names, axis=1, largest=0, sorted=1)
        before, after = self._neighbours(names[0])
        same = self._node("Equal", [before.output[0], after.output[0]])
        differs = self._node("Not", same.output)
        change = self._node("Cast", differs.output, to=TensorProto.INT64)
        changes = self._node("CumSum", [change.output[0], self._constant(np.int64(1))])
        begin, zero = self._constant(np.array([0, 1, 0, 0])), self._constant(np.array([0]))
        begun = self._node("Pad", [changes.output[0], begin])
        # Texts without any word have no place, and the first run is none either.
        run = self._node("Slice", [begun.output[0], zero, size.output[0], one])
        return ordered, [
            *(shape, size, ordered, before, after, same, differs, change, changes, begun, run),
        ]

    def _neighbours(self, row: str) -> tuple[Any, Any]:
        """Nodes for all but the last, and for all but the first, of the second axis."""
        zero, one, last, end = (self._constant(np.array([v])) for v in (0, 1, -1, 2**62))
        return (
            self._node("Slice", [row, zero, last, one]),
            self._node("Slice", [row, one, end, one]),
        )

    @property
    def _unsorted(self) -> str:
        return f"{self._at}unsorted"

    @property
    def _columns(self) -> str:
        return f"{self._at}columns"

    @property
    def _counts(self) -> str:
        return f"{self._at}counts"

    def _gather(self, table: NDArray[Any], places: str, output: str = "") -> Any:
        return self._node("Gather", [self._constant(table), places], output)

    def _constant(self, value: Any) -> str:
        name = self.name()
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _node(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> Any:
        return helper.make_node(kind, list(inputs), [output or self.name()], **attributes)
