"""What a graph does as often, or as largely, as the values of an item say. Pure.

The check of an upload runs a graph on a few items. What another item's values could turn into a
run without end, or an output without bound, is found in the graph itself: loops whose number of
rounds is no constant, and outputs whose size is computed from values. Sizes that are computed from
shapes are bounded by what is there already.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto

from shared.graphs.lookups.messages import NotKnown, bodies_of, model_of

# Rounds of a loop, and of loops in one another together.
MOST_ROUNDS = 10_000
_MOST_NODES = 200_000
_DEEPEST = 64
# A router looks into no larger file: what is so large is no model for an event loop.
_LARGEST_BYTES = 64 * 1024 * 1024

_MICROSOFT = "com.microsoft"
# By domain and operator: the inputs that the size of its output follows.
_SIZES: dict[tuple[str, str], Sequence[int]] = {
    ("", "AffineGrid"): (1,),
    ("", "BlackmanWindow"): (0,),
    ("", "CenterCropPad"): (1,),
    ("", "Col2Im"): (1,),
    ("", "ConstantOfShape"): (0,),
    ("", "DFT"): (1,),
    ("", "Expand"): (1,),
    ("", "HammingWindow"): (0,),
    ("", "HannWindow"): (0,),
    ("", "ImageDecoder"): (0,),
    ("", "MaxUnpool"): (2,),
    ("", "MelWeightMatrix"): (0, 1),
    ("", "OneHot"): (1,),
    ("", "Pad"): (1,),
    ("", "Range"): (0, 1, 2),
    ("", "Resize"): (1, 2, 3),
    ("", "STFT"): (1, 3),
    ("", "Tile"): (1, 2),
    ("", "Upsample"): (1,),
    (_MICROSOFT, "CropAndResize"): (3,),
    (_MICROSOFT, "Pad"): (1,),
    (_MICROSOFT, "Range"): (0, 1, 2),
}
# Those that decode step by step, as often as an input says.
_DECODERS = {
    (_MICROSOFT, name) for name in ("BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch")
}
_LOOPS = {("", "Loop"), ("", "Scan"), ("", "SequenceMap")}
_SHAPES = {("", "Shape"), ("", "Size")}
_RANDOM = {
    ("", name)
    for name in (
        *("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike"),
        *("RandomUniform", "RandomUniformLike"),
    )
}
_SAME_VALUE = {("", name) for name in ("Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze")}

_NAMES = [name.encode() for _, name in (*_SIZES, *_DECODERS, *_LOOPS, ("", "If"))]


def runs_straight(model: bytes) -> bool:
    """Say whether each run goes through the same nodes once, with sizes that follow from shapes."""
    if not any(name in model for name in _NAMES):
        # An operator's name is in the file as it is: reading the whole of it takes memory.
        return True
    if len(model) > _LARGEST_BYTES:
        return False
    try:
        proto = model_of(model)
    except NotKnown:
        return False
    bodies = (node for node in all_nodes(proto) if bodies_of(node) or kind_of(node) in _DECODERS)
    return next(bodies, None) is None and unbounded(proto) is None


def unbounded(model: Any) -> str | None:
    """Say what of a `ModelProto` an item's values could make endless or huge; None for nothing."""
    functions = {(_domain(one.domain), one.name): one for one in model.functions}
    walk = _Walk(functions)
    try:
        walk.graph(model.graph, _Scope(), [True] * len(model.graph.input), _Inside())
    except _Found as found:
        return str(found)
    return None


class _Found(Exception):  # noqa: N818 - what was looked for
    """A node that is not bounded; the message says why."""


@dataclass(frozen=True)
class _Inside:
    """What a node lies in: loops of so many rounds together, and so many calls of functions."""

    rounds: int = 1
    is_loop: bool = False
    depth: int = 0


@dataclass
class _Scope:
    """The names of a graph and of those around it: what depends on values, and known constants."""

    around: "_Scope | None" = None
    depends: dict[str, bool] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)

    def is_by_value(self, name: str) -> bool:
        """Say whether a name depends on an item's values; what is not known is taken to."""
        if name in self.depends:
            return self.depends[name]
        return self.around is None or self.around.is_by_value(name)

    def constant(self, name: str) -> int | None:
        """Return the whole number that a name stands for in each run."""
        if name in self.depends:
            return self.constants.get(name)
        return None if self.around is None else self.around.constant(name)


@dataclass
class _Walk:
    """One walk through a model, its functions as often as they are called."""

    functions: Mapping[tuple[str, str], Any]
    nodes: int = 0

    def graph(
        self, graph: Any, scope: _Scope, given: Sequence[bool], inside: _Inside
    ) -> list[bool]:
        """Walk a graph whose inputs depend on values as `given`; say the same of its outputs."""
        scope.depends |= {one.name: by for one, by in zip(graph.input, given, strict=True)}
        for tensor in graph.initializer:
            _keep(scope, tensor.name, tensor)
        scope.depends |= {one.values.name: False for one in graph.sparse_initializer}
        for node in graph.node:
            self.node(node, scope, inside)
        return [scope.is_by_value(one.name) for one in graph.output]

    def node(self, node: Any, scope: _Scope, inside: _Inside) -> None:
        """Look at one node; note what its outputs depend on."""
        self.nodes += 1
        if self.nodes > _MOST_NODES or inside.depth > _DEEPEST:
            raise _Found("its functions call one another too often: it has too many steps")
        kind = kind_of(node)
        given = [bool(name) and scope.is_by_value(name) for name in node.input]
        _check_size(node, kind, given)
        by_value = kind in _RANDOM or (any(given) and kind not in _SHAPES)
        answers: list[bool] = []
        if kind in self.functions:
            answers = self._function(self.functions[kind], given, inside)
        elif bodies := bodies_of(node):
            found = [self._body(node, kind, body, scope, given, inside) for body in bodies]
            by_value = by_value or any(any(answer) for answer in found)
        for place, name in enumerate(node.output):
            scope.depends[name] = answers[place] if place < len(answers) else by_value
        _keep_constant(node, kind, scope)

    def _function(self, function: Any, given: Sequence[bool], inside: _Inside) -> list[bool]:
        padded = [*given, *[False] * (len(function.input) - len(given))]
        scope = _Scope(depends=dict(zip(function.input, padded, strict=False)))
        within = _Inside(inside.rounds, inside.is_loop, inside.depth + 1)
        for node in function.node:
            self.node(node, scope, within)
        return [scope.is_by_value(name) for name in function.output]

    def _body(
        self,
        node: Any,
        kind: tuple[str, str],
        body: Any,
        scope: _Scope,
        given: Sequence[bool],
        inside: _Inside,
    ) -> list[bool]:
        if kind not in _LOOPS:
            return self.graph(body, _Scope(scope), [any(given)] * len(body.input), inside)
        within = _rounds(node, kind, scope, inside)
        # A round gets what the one before it gave: once that depends on values, all of it may.
        answers = [any(given)]
        # The number of the round is bounded by that of the rounds.
        counter = [False] if kind == ("", "Loop") and body.input else []
        for by_value in (any(given), True):
            carried = [*counter, *[by_value] * (len(body.input) - len(counter))]
            answers = self.graph(body, _Scope(scope), carried, within)
            if by_value or not any(answers):
                break
        return answers


def _check_size(node: Any, kind: tuple[str, str], given: Sequence[bool]) -> None:
    if kind in _DECODERS:
        raise _Found(f"its {_called(node)} decodes step by step, as often as an item's values say")
    if any(given[place] for place in _SIZES.get(kind, ()) if place < len(given)):
        raise _Found(
            f"the size of what its {_called(node)} makes depends on an item's values, so that one "
            "item could take all memory: compute sizes from shapes or constants"
        )


def _rounds(node: Any, kind: tuple[str, str], scope: _Scope, inside: _Inside) -> _Inside:
    """Return what the body of a loop lies in."""
    if kind != ("", "Loop"):
        # As many rounds as one of its inputs is long.
        if inside.is_loop:
            raise _Found(f"its {_called(node)} lies in another loop: write it as one loop")
        return _Inside(inside.rounds, is_loop=True, depth=inside.depth)
    count = scope.constant(node.input[0]) if node.input and node.input[0] else None
    if count is None:
        raise _Found(
            f"its {_called(node)} goes round as often as an item's values say: give it a trip "
            f"count that is a constant of at most {MOST_ROUNDS:,}"
        )
    rounds = inside.rounds * max(1, count)
    if rounds > MOST_ROUNDS:
        raise _Found(
            f"its {_called(node)} goes round {rounds:,} times, of at most {MOST_ROUNDS:,} allowed"
        )
    return _Inside(rounds, is_loop=True, depth=inside.depth)


def _keep(scope: _Scope, name: str, tensor: Any) -> None:
    scope.depends[name] = False
    value = _whole(tensor)
    if value is not None:
        scope.constants[name] = value


def _keep_constant(node: Any, kind: tuple[str, str], scope: _Scope) -> None:
    if kind == ("", "Constant"):
        for attribute in node.attribute:
            if attribute.name == "value":
                _keep(scope, node.output[0], attribute.t)
            elif attribute.name == "value_int":
                scope.constants[node.output[0]] = attribute.i
    elif kind in _SAME_VALUE:
        value = scope.constant(node.input[0])
        if value is not None:
            scope.constants[node.output[0]] = value


def _whole(tensor: Any) -> int | None:
    """Return the value of a constant that is one whole number."""
    if tensor.data_type != TensorProto.INT64 or np.prod(tensor.dims, dtype=np.int64) != 1:
        return None
    if tensor.raw_data:
        return int(np.frombuffer(tensor.raw_data[:8], dtype="<i8")[0])
    return tensor.int64_data[0] if tensor.int64_data else None


def all_nodes(model: Any) -> Iterator[Any]:
    """Yield every node of a `ModelProto`, those of its functions and inner graphs included."""
    waiting = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += (inner for body in bodies_of(node) for inner in body.node)


def kind_of(node: Any) -> tuple[str, str]:
    """Return a node's domain and operator; ONNX's own domain is empty."""
    return _domain(node.domain), node.op_type


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def _called(node: Any) -> str:
    name = node.name or next(iter(node.output), "")
    return f"{node.op_type} {name}".strip()
