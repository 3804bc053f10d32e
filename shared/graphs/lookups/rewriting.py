"""From a row as long as the vocabulary to look-ups: the same answers, several times as fast.

A `TfIdfVectorizer` writes a row with a place for every term it knows, and what follows reads all
of it, though nearly all is zero. A linear model needs only the terms that are there: the product
of the row and a matrix is the sum of the matrix's rows of these terms, and the squared length of
the row is the sum over the distinct terms of (count times weight) squared.

The model's file stays as it is, and so does its digest: only what is loaded differs. Probabilities
move by the rounding of float32, about 1e-7. A model in which anything is not exactly as known here
is left alone.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import helper

from shared.graphs.lookups.messages import (
    ML,
    NotKnown,
    attributes_of,
    bodies_of,
    copied,
    definitions,
    floats_of,
    model_of,
)
from shared.graphs.lookups.nodes import Floats, TermNodes
from shared.graphs.lookups.vocabulary import vocabulary_of

VECTORIZER = "TfIdfVectorizer"
# Those in which the operators used here mean what they mean today.
_OPSETS, _ML_OPSETS = range(16, 26), range(2, 6)
# Each term of a text takes as many numbers as there are labels: with many labels the long row is
# the smaller one. Sums without distinct terms take fewer steps, and a limit of their own.
_MOST_LABELS, _MOST_SUMMED = 32, 128
# Larger products might be infinite here and not there, or the other way round.
_LARGEST = 1e30
_OWN_NAMES = "/lookups/"
_ROW_AXES = 2


def with_lookups(model: bytes) -> bytes:
    """Return an ONNX model with look-ups in place of rows of terms, or `model` itself.

    An invalid model comes back as it is: ONNX Runtime names its fault.
    """
    try:
        proto = model_of(model)
        _require_plain(proto)
    except NotKnown:
        return model
    rows = [node.output[0] for node in proto.graph.node if node.op_type == VECTORIZER]
    done = [_is_replaced(proto.graph, name, f"{_OWN_NAMES}{i}/") for i, name in enumerate(rows)]
    if not any(done):
        return model
    _drop_unread(proto.graph)
    return bytes(proto.SerializeToString())


def _is_replaced(graph: Any, rows: str, at: str) -> bool:
    """Replace the vectorizer of `rows`, or change nothing and say so."""
    try:
        _Rewriting(graph, TermNodes(at)).replace(rows)
    except NotKnown:
        return False
    return True


def _require_plain(proto: Any) -> None:
    """Raise `NotKnown` unless operators mean what is meant here, and no name hides in a body."""
    opsets = {one.domain: one for one in proto.opset_import}
    nodes = proto.graph.node
    if "" not in opsets or opsets[""].version not in _OPSETS:
        raise NotKnown
    if proto.functions or any(map(bodies_of, nodes)):
        raise NotKnown
    named = [*definitions(proto.graph), *(name for node in nodes for name in node.input)]
    if any(name.startswith(_OWN_NAMES) for name in named):
        raise NotKnown
    if ML not in opsets:
        proto.opset_import.append(helper.make_opsetid(ML, _ML_OPSETS[0]))
    elif opsets[ML].version < _ML_OPSETS[0]:
        if any(node.op_type == "LabelEncoder" for node in nodes):
            # The first one was another operator.
            raise NotKnown
        opsets[ML].version = _ML_OPSETS[0]
    elif opsets[ML].version not in _ML_OPSETS:
        raise NotKnown


def _drop_unread(graph: Any) -> None:
    inner = [node for one in graph.node for body in bodies_of(one) for node in body.node]
    read = {name for node in (*graph.node, *inner) for name in node.input}
    read |= {one.name for one in (*graph.input, *graph.output)}
    kept = [one for one in graph.initializer if one.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


@dataclass
class _Rewriting:
    """The replacement of one vectorizer and of all that reads its rows.

    `replaced` has, by the place of each node that goes, the nodes that come there.
    """

    graph: Any
    make: TermNodes
    replaced: dict[int, list[Any]] = field(default_factory=dict)

    def replace(self, rows: str) -> None:
        """Replace the vectorizer of `rows`; raise `NotKnown` when that cannot be done."""
        place, vectorizer = next(
            (i, node) for i, node in enumerate(self.graph.node) if rows in node.output
        )
        vocabulary = vocabulary_of(self.graph, vectorizer)
        self.replaced[place] = self.make.numbers(vectorizer.input[0], vocabulary)
        readers = self._readers(rows)
        if all(_is_product(node, rows) for _, node in readers):
            for i, node in readers:
                matrix = _fitting(self._constant(node.input[1]), vocabulary.weights, _MOST_SUMMED)
                self.replaced[i] = self.make.sums(matrix, node.output[0])
        else:
            # Of longer terms there are too many in a text to sort.
            if vocabulary.shortest > 1 or len(vocabulary.steps) > 1:
                raise NotKnown
            self.replaced[place] += self.make.counted()
            self._follow(rows, vocabulary.weights, divisor=None)
        kept = [copied(node) for node in self.graph.node]
        del self.graph.node[:]
        for i, node in enumerate(kept):
            self.graph.node.extend(self.replaced.get(i, [node]))
        self.graph.initializer.extend(self.make.constants)

    def _follow(self, rows: str, weights: Floats, divisor: str | None) -> None:
        """Replace all that reads `rows`: counts times `weights` [V], over `divisor` if any."""
        for i, node in self._readers(rows):
            self.replaced[i] = self._in_place_of(node, rows, weights, divisor)

    def _readers(self, rows: str) -> list[tuple[int, Any]]:
        if any(rows == output.name for output in self.graph.output):
            raise NotKnown
        return [(i, node) for i, node in enumerate(self.graph.node) if rows in node.input]

    def _in_place_of(self, node: Any, rows: str, weights: Floats, divisor: str | None) -> list[Any]:
        kind, inputs = (node.domain, node.op_type), list(node.input)
        if kind == ("", "Mul") and inputs == [rows, rows] and divisor is None:
            return self._squares(node.output[0], weights)
        if kind == ("", "Mul") and inputs != [rows, rows]:
            factors = self._factors(inputs[1] if inputs[0] == rows else inputs[0], len(weights))
            self._follow(node.output[0], weights * factors, divisor)
            return []
        if _is_product(node, rows):
            matrix = _fitting(self._constant(inputs[1]), weights)
            return self.make.products(matrix, node.output[0], divisor)
        if kind == (ML, "Normalizer") and attributes_of(node).get("norm") == b"L2":
            if divisor is not None:
                raise NotKnown
            length = self.make.name("length")
            self._follow(node.output[0], weights, length)
            return self.make.length(weights, length)
        if kind == (ML, "LinearClassifier"):
            return self._classifier(node, weights, divisor)
        raise NotKnown

    def _squares(self, squares: str, weights: Floats) -> list[Any]:
        """Replace what reads the squared rows: each a product with one column."""
        for i, node in self._readers(squares):
            if (node.domain, node.op_type, node.input[0]) != ("", "MatMul", squares):
                raise NotKnown
            factors = self._constant(node.input[1])
            if factors.shape != (len(weights), 1):
                raise NotKnown
            squared = weights * weights * factors[:, 0]
            self.replaced[i] = self.make.squares(squared, node.output[0])
        return []

    def _classifier(self, node: Any, weights: Floats, divisor: str | None) -> list[Any]:
        """Nodes for the products, and a classifier like `node` that adds biases and squashes."""
        found = attributes_of(node)
        coefficients = np.array(found["coefficients"], dtype=np.float32)
        # The last one jumps at zero: there the smallest rounding shows.
        if len(coefficients) % len(weights) or found.get("post_transform") == b"SOFTMAX_ZERO":
            raise NotKnown
        matrix = _fitting(coefficients.reshape(-1, len(weights)).T, weights)
        products = self.make.name("products")
        identity = np.eye(matrix.shape[1]).reshape(-1).tolist()
        head = copied(node, coefficients=identity)
        head.input[0] = products
        return [*self.make.products(matrix, products, divisor), head]

    def _factors(self, name: str, width: int) -> Floats:
        """Return a constant that a row is multiplied by: one number for all terms or for each."""
        factors = self._constant(name)
        fits = factors.size == 1 or factors.shape in {(width,), (1, width)}
        if not fits or factors.ndim > _ROW_AXES:
            raise NotKnown
        return factors.reshape(-1)

    def _constant(self, name: str) -> Floats:
        found = [one for one in self.graph.initializer if one.name == name]
        if not found or definitions(self.graph).count(name) != 1:
            raise NotKnown
        return _bounded(floats_of(found[0]))


def _is_product(node: Any, rows: str) -> bool:
    """Say whether a node multiplies the rows by something else."""
    inputs = list(node.input)
    return (node.domain, node.op_type) == ("", "MatMul") and inputs[:1] == [rows] != inputs[1:]


def _fitting(matrix: Floats, weights: Floats, most: int = _MOST_LABELS) -> Floats:
    """Return `matrix` [V, K] with each term's row times its weight."""
    if matrix.ndim != 2 or len(matrix) != len(weights) or not 0 < matrix.shape[1] <= most:
        raise NotKnown
    return _bounded(matrix * weights[:, None])


def _bounded(values: Floats) -> Floats:
    """Return `values`; `NotKnown` where one is so large that sums of it may overflow, or no number.

    An infinite one makes a whole row no number, and with look-ups only where its term is there.
    """
    if not (np.abs(values) < _LARGEST).all():
        raise NotKnown
    return values
