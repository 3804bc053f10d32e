"""Write model.onnx and manifest.json: a model of reviews, made without Surehand.

It adds up what single words say. Any tool that writes ONNX will do; what counts is one row of
probabilities an item, and that no row depends on its neighbours.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = {
    "perfectly": 3.0, "early": 2.5, "lovely": 3.0, "solid": 2.0, "worth": 2.5, "again": 1.0,
    "broke": -3.0, "never": -3.5, "awful": -3.5, "damaged": -3.5, "stopped": -3.0, "refund": -1.5,
}  # fmt: skip
MANIFEST = {
    "inputs": [{"name": "text", "field": "text", "dtype": "string", "shape": [-1, 1]}],
    "outputs": {"probabilities": "probabilities"},
    "labels": ["happy", "unhappy"],
}


def model() -> onnx.ModelProto:
    """Return the graph: lower case, words, weights, sum, sigmoid of the sum and of its opposite."""
    nodes = [
        helper.make_node("Reshape", ["text", "flat"], ["line"]),
        helper.make_node(
            "StringNormalizer", ["line"], ["lower"], case_change_action="LOWER",
            is_case_sensitive=1, locale="C.UTF-8",
        ),
        helper.make_node(
            "Tokenizer", ["lower"], ["words"], domain="com.microsoft", mark=0, mincharnum=1,
            pad_value="#", tokenexp="[a-z]+",
        ),
        helper.make_node(
            "LabelEncoder", ["words"], ["weights"], domain="ai.onnx.ml",
            keys_strings=list(WEIGHTS), values_floats=list(WEIGHTS.values()), default_float=0.0,
        ),
        helper.make_node("ReduceSum", ["weights", "second"], ["score"], keepdims=1),
        helper.make_node("Mul", ["score", "signs"], ["scores"]),
        helper.make_node("Sigmoid", ["scores"], ["probabilities"]),
    ]  # fmt: skip
    constants: dict[str, np.ndarray] = {
        "flat": np.array([-1], dtype=np.int64),
        "second": np.array([1], dtype=np.int64),
        "signs": np.array([[1, -1]], dtype=np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "words",
        [helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [("", 18), ("ai.onnx.ml", 3), ("com.microsoft", 1)]
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid(*one) for one in opsets], ir_version=9
    )


def main() -> None:
    """Write both files into the current folder."""
    onnx.save(model(), "model.onnx")
    Path("manifest.json").write_text(json.dumps(MANIFEST, indent=2))


if __name__ == "__main__":
    main()
