"""Inspect an ONNX file before a runtime opens it."""

from collections.abc import Iterable, Iterator
from typing import Any

import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from shared.graphs.control_flow import all_nodes, kind_of, unbounded
from shared.graphs.lookups.messages import bodies_of
from shared.graphs.session import GraphRefused

_NAMES_SHOWN = 5


def inspect(model: bytes) -> None:
    """Check a file's tensors and operators, those of its functions and inner graphs included.

    Raises `GraphRefused`: it is no ONNX file, its tensors lie in other files, ONNX Runtime does not
    know all of its operators, or an item's values could make a run endless or huge: the sentence
    names what.
    """
    try:
        parsed = onnx.load_model_from_string(model)
    except DecodeError as error:
        raise GraphRefused("it is not an ONNX file, or not a whole one") from error
    nodes = list(all_nodes(parsed))
    external = [
        tensor.name or "unnamed"
        for tensor in _tensors(parsed, nodes)
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL
    ]
    if external:
        raise GraphRefused(
            f"tensors lie in other files (external data): {_listed(external)}; save it as one file"
        )
    own = {(function.domain, function.name) for function in parsed.functions}
    known = {(schema.domain, schema.name) for schema in runtime.get_all_operator_schema()}
    unknown = sorted({kind_of(node) for node in nodes} - own - known)
    if unknown:
        names = [f"{domain}:{name}" if domain else name for domain, name in unknown]
        raise GraphRefused(
            f"ONNX Runtime {onnxruntime.__version__} does not know these operators: "
            f"{_listed(names)}"
        )
    if fault := unbounded(parsed):
        raise GraphRefused(fault)


def _tensors(model: Any, nodes: Iterable[Any]) -> Iterator[Any]:
    yield from _initializers(model.graph)
    for node in nodes:
        for graph in bodies_of(node):
            yield from _initializers(graph)
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _initializers(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
