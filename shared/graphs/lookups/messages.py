"""The messages of ONNX files, read and made.

Of the package onnx only what protobuf made of its schema is loaded: the rest would take a router
0.1 s and 8 MB more.
"""

import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

_SCHEMA = "onnx_ml_pb2"


def _schema() -> Any:
    package = importlib.util.find_spec("onnx")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("onnx is not installed", name="onnx")
    file = Path(package.submodule_search_locations[0]) / f"{_SCHEMA}.py"
    spec = importlib.util.spec_from_file_location(_SCHEMA, file)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"onnx has no {_SCHEMA}", name=_SCHEMA)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_ONNX = _schema()
ML = "ai.onnx.ml"


class NotKnown(Exception):  # noqa: N818 - says what was found
    """The graph has something that is not exactly as it is known here."""


def model_of(file: bytes) -> Any:
    """Read a `ModelProto`; `NotKnown` when it is none."""
    try:
        return _ONNX.ModelProto.FromString(file)
    except DecodeError as error:
        raise NotKnown from error


def has_bodies(node: Any) -> bool:
    """Say whether a node holds graphs of its own."""
    kinds = {_ONNX.AttributeProto.GRAPH, _ONNX.AttributeProto.GRAPHS}
    return any(one.type in kinds for one in node.attribute)


def definitions(graph: Any) -> list[str]:
    """Return the names of all values of a graph, a name as often as it is given."""
    return [
        *(one.name for one in (*graph.input, *graph.initializer)),
        *(one.values.name for one in graph.sparse_initializer),
        *(name for node in graph.node for name in node.output if name),
    ]


def opset(domain: str, version: int) -> Any:
    """Make what says which version of a domain's operators is meant."""
    return _ONNX.OperatorSetIdProto(domain=domain, version=version)


def make_node(
    kind: str, inputs: Iterable[str], outputs: Iterable[str], domain: str = "", **attributes: Any
) -> Any:
    """Make a node; attributes are int, bytes, arrays (tensors), or sequences of int or bytes."""
    node = _ONNX.NodeProto(op_type=kind, domain=domain, input=inputs, output=outputs)
    kinds = _ONNX.AttributeProto
    for name, value in attributes.items():
        one = node.attribute.add(name=name)
        if isinstance(value, int):
            one.type, one.i = kinds.INT, value
        elif isinstance(value, bytes):
            one.type, one.s = kinds.STRING, value
        elif isinstance(value, np.ndarray):
            one.type = kinds.TENSOR
            one.t.CopyFrom(tensor("", value))
        elif value and isinstance(value[0], bytes):
            one.type = kinds.STRINGS
            one.strings.extend(value)
        else:
            one.type = kinds.INTS
            one.ints.extend(value)
    return node


def copied(node: Any, **floats: Sequence[float]) -> Any:
    """Copy a node, with other values of the attributes named."""
    copy = _ONNX.NodeProto()
    copy.CopyFrom(node)
    for one in copy.attribute:
        if one.name in floats:
            del one.floats[:]
            one.floats.extend(floats[one.name])
    return copy


def attributes_of(node: Any) -> dict[str, Any]:
    """Return the values of a node's attributes by name; NotKnown for one of tensors or graphs."""
    kinds = _ONNX.AttributeProto
    fields = {
        kinds.INT: "i",
        kinds.FLOAT: "f",
        kinds.STRING: "s",
        kinds.INTS: "ints",
        kinds.FLOATS: "floats",
        kinds.STRINGS: "strings",
    }
    try:
        return {one.name: getattr(one, fields[one.type]) for one in node.attribute}
    except KeyError as error:
        raise NotKnown from error


def tensor(name: str, value: NDArray[Any]) -> Any:
    """Make a constant of float32 or int64."""
    kinds = _ONNX.TensorProto
    kind = {"float32": kinds.FLOAT, "int64": kinds.INT64}[value.dtype.name]
    little = value.astype(value.dtype.newbyteorder("<"), copy=False)
    return kinds(name=name, dims=value.shape, data_type=kind, raw_data=little.tobytes())


def floats_of(constant: Any) -> NDArray[np.float32]:
    """Return the values of a constant of float32; `NotKnown` when it is another."""
    kinds = _ONNX.TensorProto
    if constant.data_type != kinds.FLOAT or constant.data_location != kinds.DEFAULT:
        raise NotKnown
    if constant.raw_data:
        values = np.frombuffer(constant.raw_data, dtype="<f4").astype(np.float32)
    else:
        values = np.array(constant.float_data, dtype=np.float32)
    if values.size != np.prod(constant.dims, dtype=np.int64):
        raise NotKnown
    return values.reshape(tuple(constant.dims))


INT64: int = _ONNX.TensorProto.INT64
STRING: int = _ONNX.TensorProto.STRING
