"""Tiny ONNX graphs for tests, made with the onnx package as other people's tools make them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from shared.contracts.versions import ModelInput, ModelInterface

FLOAT, DOUBLE, INT64, STRING, UINT8 = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.UINT8,
)
LABELS = ["negative", "positive"]
node = helper.make_node


def model_of(
    nodes: Sequence[Any],
    inputs: Mapping[str, tuple[int, Sequence[Any]]],
    *,
    constants: dict[str, Any] | None = None,
    output: Any = None,
    opset: int = 18,
    domains: Sequence[str] = ("ai.onnx.ml",),
    functions: Sequence[Any] = (),
) -> Any:
    """A model from `inputs` (name to type and shape) to `probabilities` [n, 2], unless `output`."""
    made = output or helper.make_tensor_value_info("probabilities", FLOAT, [None, 2])
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(name, *entry) for name, entry in inputs.items()],
        [made],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    for entry in opsets:
        if entry.domain == "ai.onnx.ml":
            entry.version = 3
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=list(functions))


def bytes_of(model: Any) -> bytes:
    """The model as a file."""
    return bytes(model.SerializeToString())


def linear(source: str, weights: Sequence[float]) -> tuple[list[Any], dict[str, Any]]:
    """Nodes and constants from `source` float [n, d] to P(positive) = sigmoid(weights · x)."""
    columns = np.array([[0.0, weight] for weight in weights], dtype=np.float32)
    nodes = [
        node("MatMul", [source, "columns"], ["logits"]),
        node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    return nodes, {"columns": columns}


def number_model(weights: Sequence[float] = (1.0, -1.0), name: str = "float_input") -> bytes:
    """The usual scikit-learn export: one float input [n, d]."""
    nodes, constants = linear(name, weights)
    return bytes_of(model_of(nodes, {name: (FLOAT, [None, len(weights)])}, constants=constants))


def text_model(weight: float = 1.0) -> bytes:
    """From `text` string [n, 1]: "good" is 4, "bad" is -4, all else is 0."""
    encode = node(
        "LabelEncoder",
        ["text"],
        ["score"],
        domain="ai.onnx.ml",
        keys_strings=["good", "bad"],
        values_floats=[4.0, -4.0],
        default_float=0.0,
    )
    nodes, constants = linear("score", [weight])
    return bytes_of(model_of([encode, *nodes], {"text": (STRING, [None, 1])}, constants=constants))


def index_model(rows: int = 3) -> bytes:
    """From `kind` int64 [n]: a table of probabilities, which fails beyond its last row."""
    positive = np.linspace(0.1, 0.9, rows, dtype=np.float32)
    table = np.stack([1 - positive, positive], axis=1)
    gather = node("Gather", ["table", "kind"], ["probabilities"])
    return bytes_of(model_of([gather], {"kind": (INT64, [None])}, constants={"table": table}))


def image_model(shape: Sequence[int] = (3, 4, 4), kind: int = FLOAT) -> bytes:
    """From `photo`: a 1 x 1 convolution's mean, the brighter the more positive."""
    nodes = [node("Cast", ["photo"], ["pixels"], to=FLOAT)]
    pixels = "pixels"
    if shape[0] not in (1, 3):
        nodes.append(node("Transpose", [pixels], ["turned"], perm=[0, 3, 1, 2]))
        pixels = "turned"
    channels = shape[0] if shape[0] in (1, 3) else shape[2]
    kernel = np.full((1, channels, 1, 1), 1 / channels, dtype=np.float32)
    nodes += [
        node("Conv", [pixels, "kernel"], ["light"]),
        node("ReduceMean", ["light", "sides"], ["mean"], keepdims=0),
        node("Mul", ["mean", "slope"], ["scaled"]),
        node("Sub", ["scaled", "middle"], ["score"]),
    ]
    white = 1.0 if kind == FLOAT else 255.0
    head, constants = linear("score", [1.0])
    constants |= {
        "kernel": kernel,
        "sides": np.array([2, 3], dtype=np.int64),
        "slope": np.float32(8 / white),
        "middle": np.float32(4.0),
    }
    return bytes_of(
        model_of([*nodes, *head], {"photo": (kind, [None, *shape])}, constants=constants)
    )


def interface(
    *inputs: ModelInput, labels: Sequence[str] = LABELS, output: str = "probabilities"
) -> ModelInterface:
    """What a manifest says of a graph with these inputs."""
    return ModelInterface(
        labels=list(labels), inputs=list(inputs), outputs={"probabilities": output}
    )


def an_input(
    name: str, field: str | list[str], dtype: str = "float", shape: Sequence[int] = (-1, 1)
) -> ModelInput:
    """One input of a manifest."""
    return ModelInput(name=name, field=field, dtype=dtype, shape=list(shape))
