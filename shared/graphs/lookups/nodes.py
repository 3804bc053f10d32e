"""Nodes that work with the terms of a text instead of a row as long as the vocabulary."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from shared.graphs.lookups.messages import ML
from shared.graphs.lookups.vocabulary import Vocabulary

Floats = NDArray[np.float32]

# Words, pairs and so on of a text, whose rows of a table are gathered and added one by one.
MOST_PLACES = 2_048
# A table with so few columns is added up in float64, which costs next to nothing there.
_NARROW = 8


class TermNodes:
    """Makes nodes about the terms of one vectorizer; the names of all begin with `at`.

    Attributes
    ----------
    constants : the tensors that the nodes made so far read
    """

    def __init__(self, at: str) -> None:
        self.constants: list[Any] = []
        self._at = at
        self._vocabulary: Vocabulary
        self._made = 0

    def name(self, meaning: str = "") -> str:
        """Return a name that is not used yet."""
        self._made += 1
        return f"{self._at}{self._made}{meaning}"

    def numbers(self, words: str, vocabulary: Vocabulary) -> list[Any]:
        """Nodes from words, strings [n, T], to the numbers of the terms in each text.

        Numbers are int64 [n, L]: first those of single words, then of pairs, and so on, as far as
        terms have such a length.
        """
        self._vocabulary = vocabulary
        encode = helper.make_node(
            *("LabelEncoder", [words], [self.name("words")]),
            domain=ML,
            keys_strings=vocabulary.words,
            values_int64s=list(range(len(vocabulary.words))),
            default_int64=vocabulary.unknown,
        )
        nodes, places = [encode], [encode.output[0]]
        first = len(vocabulary.words)
        factor = self._constant(np.int64(vocabulary.factor))
        for length, keys in enumerate(vocabulary.steps, start=2):
            nodes += self._longer([places[-1], encode.output[0], factor], length, keys, first)
            places.append(nodes[-1].output[0])
            first += len(keys)
        found = places[vocabulary.shortest - 1 :]
        return [*nodes, self._node("Concat", found, self._unsorted, axis=1)]

    def _longer(
        self, given: Sequence[str], length: int, keys: NDArray[np.int64], first: int
    ) -> list[Any]:
        """Nodes from beginnings of `length` - 1 words to those of `length`, numbered from `first`.

        `given` names the shorter beginnings, the words, and the factor of keys.
        """
        shorter, words, factor = given
        zero, one, last, end = (self._constant(np.array([v])) for v in (0, 1, -1, 2**62))
        begun = self._node("Slice", [shorter, zero, last, one])
        word = self._node("Slice", [words, self._constant(np.array([length - 1])), end, one])
        shifted = self._node("Mul", [begun.output[0], factor])
        sums = self._node("Add", [shifted.output[0], word.output[0]])
        encode = helper.make_node(
            *("LabelEncoder", sums.output, [self.name("begun")]),
            domain=ML,
            keys_int64s=keys.tolist(),
            values_int64s=list(range(first, first + len(keys))),
            default_int64=self._vocabulary.unknown,
        )
        return [begun, word, shifted, sums, encode]

    def counted(self) -> list[Any]:
        """Nodes from `numbers` to each number once, and its count, float32 [n, L].

        So a sum of squares has a summand a term and not one an occurrence. The sorted numbers fall
        into runs of equal ones, and a run is as long as its term's count. Which run a place belongs
        to is the number of changes before it. Places that are left over have the number of what is
        unknown, and no count.
        """
        ordered, runs = self._runs()
        width = self._vocabulary.unknown
        columns, run, shape = ordered.output[0], runs[-1].output[0], runs[0].output[0]
        unknown = self._filled(shape, np.int64(width))
        zeros, ones = (self._filled(shape, np.float32(value)) for value in (0, 1))
        distinct = [unknown.output[0], run, columns]
        counted = [zeros.output[0], run, ones.output[0]]
        return [
            *(*runs, unknown, zeros, ones),
            self._node("ScatterElements", distinct, self._distinct, axis=1),
            self._node("ScatterElements", counted, self._counts, axis=1, reduction=b"add"),
        ]

    def sums(self, matrix: Floats, output: str) -> list[Any]:
        """Nodes from `numbers` to counts [n, V] times `matrix` [V, K]; float32 [n, K].

        The rows of the terms are gathered and added, occurrence by occurrence. Where a text has
        more than `MOST_PLACES`, that would take more memory than the counts, and the small errors
        of so many additions would show: there the counts are made, and multiplied.
        """
        table = self._constant(self._table(matrix))
        one = self._constant(np.array([1]))
        shape = self._node("Shape", [self._unsorted])
        size = self._node("Gather", [shape.output[0], self._constant(np.int64(1))])
        limit = self._constant(np.int64(MOST_PLACES))
        fits = self._node("LessOrEqual", [size.output[0], limit])
        few = self._added(table, one, is_narrow=matrix.shape[1] <= _NARROW)
        many = self._multiplied(table, shape.output[0], one)
        branches = {"then_branch": self._body(few), "else_branch": self._body(many)}
        return [shape, size, fits, self._node("If", fits.output, output, **branches)]

    def _added(self, table: str, one: str, *, is_narrow: bool) -> list[Any]:
        rows = self._node("Gather", [table, self._unsorted])
        if not is_narrow:
            return [rows, self._node("ReduceSum", [rows.output[0], one], keepdims=0)]
        exact = self._node("Cast", rows.output, to=TensorProto.DOUBLE)
        total = self._node("ReduceSum", [exact.output[0], one], keepdims=0)
        return [rows, exact, total, self._node("Cast", total.output, to=TensorProto.FLOAT)]

    def _multiplied(self, table: str, shape: str, one: str) -> list[Any]:
        zero = self._constant(np.array([0]))
        items = self._node("Slice", [shape, zero, one])
        sizes = [items.output[0], self._constant(np.array([self._vocabulary.factor]))]
        row = self._node("Concat", sizes, axis=0)
        zeros = self._filled(row.output[0], np.float32(0))
        ones = self._filled(shape, np.float32(1))
        added = [zeros.output[0], self._unsorted, ones.output[0]]
        counts = self._node("ScatterElements", added, axis=1, reduction=b"add")
        product = self._node("MatMul", [counts.output[0], table])
        return [items, row, zeros, ones, counts, product]

    def _body(self, nodes: Sequence[Any]) -> Any:
        """Return the graph of a branch, whose last node makes float32 [n, K]."""
        answer = nodes[-1].output[0]
        made = helper.make_tensor_value_info(answer, TensorProto.FLOAT, [None, None])
        return helper.make_graph(list(nodes), self.name("branch"), [], [made])

    def products(self, matrix: Floats, output: str, divisor: str | None = None) -> list[Any]:
        """Nodes for counts [n, V] times `matrix` [V, K], over `divisor` [n, 1]; float32 [n, K]."""
        found = self._gather(self._table(matrix), self._distinct)
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
        found = self._gather(self._table(factors[:, None])[:, 0], self._distinct)
        squared = self._node("Mul", [self._counts, self._counts])
        parts = self._node("Mul", [squared.output[0], found.output[0]])
        axes = [parts.output[0], self._constant(np.array([1]))]
        return [found, squared, parts, self._node("ReduceSum", axes, output, keepdims=1)]

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
    def _distinct(self) -> str:
        return f"{self._at}distinct"

    @property
    def _counts(self) -> str:
        return f"{self._at}counts"

    def _table(self, matrix: Floats) -> Floats:
        """Return a matrix [V, K] with a row for each number, 0 where it is no term."""
        rows = np.vstack([matrix, np.zeros((1, matrix.shape[1]))]).astype(np.float32)
        return np.asarray(rows[np.append(self._vocabulary.columns, len(matrix))])

    def _gather(self, table: NDArray[Any], places: str) -> Any:
        return self._node("Gather", [self._constant(table), places])

    def _filled(self, shape: str, value: Any) -> Any:
        filling = numpy_helper.from_array(np.array([value]))
        return self._node("ConstantOfShape", [shape], value=filling)

    def _constant(self, value: Any) -> str:
        name = self.name()
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _node(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> Any:
        return helper.make_node(kind, list(inputs), [output or self.name()], **attributes)
