"""Parts of graphs that recipes share: constants, a linear head, calibration, the whole file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.recipe import FloatArray

OUTPUT = "probabilities"
# The oldest that hold every operator used, and every ONNX Runtime that reads them right (`graph`).
OPSET = 18
IR_VERSION = 9
_OPSETS = {"": OPSET, "ai.onnx.ml": 3}
_TYPES = {
    "string": TensorProto.STRING,
    "float32": TensorProto.FLOAT,
    "int64": TensorProto.INT64,
}


def input_name(field: str) -> str:
    """Return the input's name: the field's, unless the output has that."""
    return f"{field}_input" if field == OUTPUT else field


def input_of(field: str, dtype: str, shape: list[int]) -> dict[str, Any]:
    """Return the manifest's entry of the input that a field feeds."""
    return {"name": input_name(field), "field": field, "dtype": dtype, "shape": shape}


def constant(name: str, value: Any) -> Any:
    """Return a constant of the graph; float64 becomes float32, other types stay."""
    array = np.asarray(value)
    return numpy_helper.from_array(
        array.astype(np.float32) if array.dtype == np.float64 else array, name
    )


def linear_nodes(
    features: str, logits: str, weights: FloatArray, bias: FloatArray
) -> tuple[list[Any], list[Any]]:
    """Nodes and constants of ``logits = features @ weights + bias``.

    Parameters
    ----------
    weights : shape (d, K)
    bias : shape (K,)
    """
    nodes = [helper.make_node("Gemm", [features, "/weights", "/bias"], [logits])]
    return nodes, [constant("/weights", weights), constant("/bias", bias)]


def calibrated_nodes(logits: str, calibration: Calibration) -> tuple[list[Any], list[Any]]:
    """Nodes and constants from logits to calibrated probabilities, the graph's output."""
    nodes = [
        helper.make_node("Mul", [logits, "/scale"], ["/scaled"]),
        helper.make_node("Add", ["/scaled", "/shift"], ["/calibrated"]),
        helper.make_node("Softmax", ["/calibrated"], [OUTPUT], axis=-1),
    ]
    return nodes, [constant("/scale", calibration.scale), constant("/shift", calibration.bias)]


def join(*parts: tuple[list[Any], list[Any]]) -> tuple[list[Any], list[Any]]:
    """Return the nodes of all parts, in their order, and their constants."""
    nodes = [node for part in parts for node in part[0]]
    return nodes, [one for part in parts for one in part[1]]


def serialise(
    name: str,
    nodes: Sequence[Any],
    constants: Sequence[Any],
    inputs: Sequence[Mapping[str, Any]],
    width: int,
    *,
    output: str = OUTPUT,
    opsets: Mapping[str, int] = _OPSETS,
    ir_version: int = IR_VERSION,
) -> bytes:
    """Return the graph's file, once it has passed the checker.

    Its output is float32 [n, width]. The same parts give the same bytes.

    Parameters
    ----------
    inputs
        The manifest's; -1 is an axis of any length.
    """
    fed = [
        helper.make_tensor_value_info(
            entry["name"],
            _TYPES[entry["dtype"]],
            [None if side == -1 else side for side in entry["shape"]],
        )
        for entry in inputs
    ]
    given = helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, width])
    model = helper.make_model(
        helper.make_graph(nodes, name, fed, [given], constants),
        opset_imports=[helper.make_opsetid(*entry) for entry in opsets.items()],
        ir_version=ir_version,
        producer_name="surehand",
    )
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
