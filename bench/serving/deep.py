"""A model that takes a server much longer than a request takes the load generator.

Two workers need two cores. Where the second core is the load generator's too, only such a model
leaves the workers nearly all of both.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from bench.serving.model import Model
from services.trainer.recipes.exporting import OUTPUT

# 8 layers over 64 rows a text: 134 million multiplications, about those of a small transformer.
# One layer's weights are a MiB, so they stay in the processor's cache.
_LAYERS, _ROWS, _WIDTH = 8, 64, 512
_SEED = 5


def deepen(model: Model) -> Model:
    """Return the model with a dense network after it: the same input, other probabilities."""
    graph = onnx.load_from_string(model.onnx)
    (last,) = (node for node in graph.graph.node if OUTPUT in node.output)
    last.output[0] = "/shallow"
    rng = np.random.default_rng(_SEED)
    _dense(graph, rng, "/shallow", "/wide", (2, _ROWS * _WIDTH))
    _reshape(graph, "/wide", "/0", _WIDTH)
    for layer in range(_LAYERS):
        _dense(graph, rng, f"/{layer}", f"/{layer}/product", (_WIDTH, _WIDTH))
        graph.graph.node.append(helper.make_node("Relu", [f"/{layer}/product"], [f"/{layer + 1}"]))
    _reshape(graph, f"/{_LAYERS}", "/flat_again", _ROWS * _WIDTH)
    _dense(graph, rng, "/flat_again", "/deep", (_ROWS * _WIDTH, 2))
    graph.graph.node.append(helper.make_node("Softmax", ["/deep"], [OUTPUT], axis=-1))
    onnx.checker.check_model(graph)
    return replace(model, onnx=bytes(graph.SerializeToString(deterministic=True)))


def _dense(
    graph: Any, rng: np.random.Generator, source: str, result: str, shape: tuple[int, int]
) -> None:
    # He's variance: what goes through keeps its size.
    weights = rng.normal(0, (2 / shape[0]) ** 0.5, shape).astype(np.float32)
    graph.graph.initializer.append(numpy_helper.from_array(weights, f"{result}/weights"))
    graph.graph.node.append(helper.make_node("MatMul", [source, f"{result}/weights"], [result]))


def _reshape(graph: Any, source: str, result: str, width: int) -> None:
    shape = np.array([-1, width], dtype=np.int64)
    graph.graph.initializer.append(numpy_helper.from_array(shape, f"{result}/shape"))
    graph.graph.node.append(helper.make_node("Reshape", [source, f"{result}/shape"], [result]))
