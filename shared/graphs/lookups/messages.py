"""What is read of ONNX files, and made anew, beyond what the package onnx has for it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import helper, numpy_helper

ML = "ai.onnx.ml"


class NotKnown(Exception):  # noqa: N818 - says what was found
    """The graph has something that is not exactly as it is known here."""


def model_of(file: bytes) -> Any:
    """Read a `ModelProto`; `NotKnown` when it is none."""
    try:
        return onnx.ModelProto.FromString(file)
    except DecodeError as error:
        raise NotKnown from error


def bodies_of(node: Any) -> list[Any]:
    """Return the graphs that a node holds."""
    graphs = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return graphs + [graph for attribute in node.attribute for graph in attribute.graphs]


def definitions(graph: Any) -> list[str]:
    """Return the names of all values of a graph, a name as often as it is given."""
    return [
        *(one.name for one in (*graph.input, *graph.initializer)),
        *(one.values.name for one in graph.sparse_initializer),
        *(name for node in graph.node for name in node.output if name),
    ]


def copied(node: Any, **floats: Sequence[float]) -> Any:
    """Copy a node, with other values of the attributes named."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for one in copy.attribute:
        if one.name in floats:
            del one.floats[:]
            one.floats.extend(floats[one.name])
    return copy


def attributes_of(node: Any) -> dict[str, Any]:
    """Return the values of a node's attributes by name."""
    try:
        return {one.name: helper.get_attribute_value(one) for one in node.attribute}
    except ValueError as error:
        raise NotKnown from error


def floats_of(constant: Any) -> NDArray[np.float32]:
    """Return the values of a constant of float32; `NotKnown` when it is another."""
    kinds = onnx.TensorProto
    if constant.data_type != kinds.FLOAT or constant.data_location != kinds.DEFAULT:
        raise NotKnown
    try:
        return numpy_helper.to_array(constant)
    except ValueError as error:
        raise NotKnown from error
