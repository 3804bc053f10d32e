"""Inference responses: what came of a call, as the outputs that were asked for."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from services.router.problems import MalformedInference
from services.router.protocols.oip.messages import TensorMetadata
from services.router.protocols.oip.requests import InferenceRequest, Wanted
from services.router.protocols.oip.tensors import BYTES, DTYPES, OF_ONNX, Values, to_bytes
from shared.http.front import Answer
from shared.routing.decisions import Decision
from shared.routing.scores import Score

_FLOAT = "FP32"
_JSON = (b"content-type", b"application/json")
_BINARY = (b"content-type", b"application/octet-stream")
_UNSCORED = Score(0, math.nan, [])

# A graph's outputs: each with its ONNX type and shape.
GraphOutputs = Mapping[str, tuple[str, list[int]]]


@dataclass(slots=True)
class Result:
    """What came of n items. `decisions` None: they were scored only, and each has a score.

    `arrays` are the graph's own outputs that were asked for.
    """

    version: str
    labels: Sequence[str]
    scores: Sequence[Score | None]
    decisions: Sequence[Decision] | None = None
    arrays: Mapping[str, Any] = field(default_factory=dict)


def described(graph: GraphOutputs, n_labels: int) -> list[TensorMetadata]:
    """Return the metadata of the outputs: ours, then the graph's own."""
    found = [(name, kind, _shape(name, -1, n_labels)) for name, (kind, _) in _OURS.items()]
    found += [(name, OF_ONNX[graph[name][0]], graph[name][1]) for name in graph_names(graph)]
    return [TensorMetadata(name=name, datatype=kind, shape=shape) for name, kind, shape in found]


def graph_names(graph: GraphOutputs) -> list[str]:
    """Return the graph's outputs that can be asked for besides ours."""
    return [name for name, (kind, _) in graph.items() if kind in OF_ONNX and name not in _OURS]


def wanted_of(request: InferenceRequest, graph: GraphOutputs) -> tuple[list[Wanted], list[str]]:
    """Return the outputs that are asked for, and which of them the graph gives.

    Raises `MalformedInference`: there is no such output.
    """
    if request.outputs is None:
        return [Wanted(name, request.binary) for name in _OURS], []
    of_graph = [wanted.name for wanted in request.outputs if wanted.name not in _OURS]
    unknown = set(of_graph).difference(graph_names(graph)) if of_graph else ()
    for i, wanted in enumerate(request.outputs):
        if wanted.name in unknown:
            raise MalformedInference(f"/outputs/{i}/name", "is no output of the model")
    return request.outputs, of_graph


def encode(model: str, request_id: str | None, wanted: Sequence[Wanted], result: Result) -> Answer:
    """Return the headers and the body of a response."""
    outputs: list[dict[str, Any]] = []
    tail = bytearray()
    for entry in wanted:
        datatype, shape, values = _output(entry.name, result)
        output: dict[str, Any] = {"name": entry.name, "datatype": datatype, "shape": shape}
        if entry.binary:
            raw = to_bytes(datatype, values)
            output["parameters"] = {"binary_data_size": len(raw)}
            tail += raw
        else:
            output["data"] = values.tolist() if isinstance(values, np.ndarray) else values
        outputs.append(output)
    document = {"model_name": model, "model_version": result.version, "outputs": outputs}
    if request_id is not None:
        document["id"] = request_id
    head = orjson.dumps(document)
    if not tail:
        return [_JSON], head
    length = (b"inference-header-content-length", b"%d" % len(head))
    return [_BINARY, length], head + tail


def _output(name: str, result: Result) -> tuple[str, list[int], Values]:
    """Return datatype, shape and values of an output."""
    if name in _OURS:
        datatype, values = _OURS[name]
        return datatype, _shape(name, len(result.scores), len(result.labels)), values(result)
    array = result.arrays[name]
    datatype = BYTES if array.dtype.kind in "OU" else _NAMES[array.dtype.newbyteorder("<")]
    return datatype, list(array.shape), array.ravel()


_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def _shape(name: str, count: int, n_labels: int) -> list[int]:
    return [count, n_labels] if name == "probabilities" else [count]


def _labels(result: Result) -> Values:
    if result.decisions is not None:
        return [decision.label or "" for decision in result.decisions]
    return [result.labels[score.top] if score is not None else "" for score in result.scores]


def _probabilities(result: Result) -> Values:
    unknown = [math.nan] * len(result.labels)
    return [
        value
        for score in result.scores
        for value in (score.probabilities if score is not None else unknown)
    ]


def _decision_member(member: str) -> Callable[[Result], Values]:
    """Read a member of the decisions: empty where nothing was decided."""

    def values(result: Result) -> Values:
        if result.decisions is None:
            return [""] * len(result.scores)
        return [getattr(decision, member) or "" for decision in result.decisions]

    return values


# The outputs that every version has: datatype and values.
_OURS: dict[str, tuple[str, Callable[[Result], Values]]] = {
    "label": (BYTES, _labels),
    "probabilities": (_FLOAT, _probabilities),
    "surehand_decision": (BYTES, _decision_member("decision")),
    "surehand_reason": (BYTES, _decision_member("reason")),
    "surehand_task_id": (BYTES, _decision_member("task_id")),
    "surehand_confidence": (
        _FLOAT,
        lambda result: [(score or _UNSCORED).confidence for score in result.scores],
    ),
}
