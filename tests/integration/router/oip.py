"""What the tests of the Open Inference Protocol share: a graph of two inputs, and wire forms."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import orjson
from onnx import TensorProto, helper, numpy_helper

from services.router.protocols.oip.tensors import to_bytes
from shared.contracts.versions import ModelInput
from shared.fields.text import TextField
from shared.fields.vector import VectorField
from tests.harness.model_publisher import Publisher, project_of
from tests.integration.router.conftest import OpenRouter, ServedRouter

FIELDS = {
    "text": TextField(max_length=10),
    "point": VectorField(length=2),
}
# The graph's own name of the text is not the field's.
INPUTS = [
    ModelInput(name="words", field="text", dtype="string", shape=[-1, 1]),
    ModelInput(name="point", field="point", dtype="float", shape=[-1, 2]),
]


def mixed_graph() -> bytes:
    """P(positive) = sigmoid(word + x + y), where "good" is 4, "bad" -4, and all else 0.

    Further outputs: `logits` float [n, 2], `word` int64 [n, 1], `echo` string [n, 1].
    """
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["words"],
            ["word"],
            domain="ai.onnx.ml",
            keys_strings=["good", "bad"],
            values_int64s=[4, -4],
            default_int64=0,
        ),
        helper.make_node("Cast", ["word"], ["weight"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["weight", "w"], ["by_word"]),
        helper.make_node("MatMul", ["point", "v"], ["by_point"]),
        helper.make_node("Add", ["by_word", "by_point"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        helper.make_node("Identity", ["words"], ["echo"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([[0.0, 1.0]], dtype=np.float32), "w"),
        numpy_helper.from_array(np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float32), "v"),
    ]
    inputs = [
        helper.make_tensor_value_info("words", TensorProto.STRING, [None, 1]),
        helper.make_tensor_value_info("point", TensorProto.FLOAT, [None, 2]),
    ]
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, [None, 2]),
        helper.make_tensor_value_info("word", TensorProto.INT64, [None, 1]),
        helper.make_tensor_value_info("echo", TensorProto.STRING, [None, 1]),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "mixed", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=9,
    )
    return bytes(model.SerializeToString())


@contextlib.asynccontextmanager
async def mixed_world(
    open_router: OpenRouter, publisher: Publisher, url: str
) -> AsyncIterator[ServedRouter]:
    """A router whose project `shop` is served by the mixed graph, as v1."""
    await publisher.put_project(project_of(fields=FIELDS))
    await publisher.publish("v1", mixed_graph(), inputs=INPUTS)
    async with open_router(url) as served:
        yield served


def tensor(name: str, datatype: str, shape: list[int], data: Any) -> dict[str, Any]:
    """A tensor in JSON."""
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def packed(*tensors: dict[str, Any], **members: Any) -> tuple[bytes, dict[str, str]]:
    """Body and header of a request whose tensors follow its JSON as bytes."""
    tail, inputs = b"", []
    for entry in tensors:
        raw = to_bytes(entry["datatype"], entry["data"])
        parameters = {"binary_data_size": len(raw)}
        inputs.append({**entry, "parameters": parameters} | {"data": None})
        tail += raw
    head = orjson.dumps({"inputs": inputs, **members})
    return head + tail, {"Inference-Header-Content-Length": str(len(head))}
