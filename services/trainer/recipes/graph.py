"""One ONNX graph from raw strings to calibrated probabilities.

Per field: lower-case, split into words, term counts times inverse document frequency (one
TfIdfVectorizer), two matrix products (logits and squared length), a division. Then bias, scale
(the calibration's, one number a label) and softmax. The length comes from a product with ones
because that is faster than ReduceL2 on the dense row, and no string label leaves the graph.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from services.trainer.recipes.features import TextLinearPipeline
from services.trainer.recipes.tokens import GRAPH_WORD, LOCALE

OUTPUT = "probabilities"
# The oldest that hold every operator used. ONNX Runtime reads the file right from 1.31 on: before,
# it took weights by column, which differs from the order of the terms.
OPSET = 18
IR_VERSION = 9
_SMALLEST_LENGTH = 1e-12
_LOWER: dict[str, Any] = {"case_change_action": "LOWER", "is_case_sensitive": 1, "locale": LOCALE}
_SPLIT: dict[str, Any] = {
    "domain": "com.microsoft",
    "mark": 0,
    "mincharnum": 1,
    "pad_value": "#",
    "tokenexp": GRAPH_WORD,
}


def graph_inputs(fields: Sequence[str]) -> list[dict[str, Any]]:
    """Manifest entries of the inputs, one a field, named as the field is."""
    names = [f"{field}_input" if field == OUTPUT else field for field in fields]
    return [
        {"name": name, "field": field, "dtype": "string", "shape": [-1, 1]}
        for name, field in zip(names, fields, strict=True)
    ]


def export_onnx(pipeline: TextLinearPipeline) -> bytes:
    """Serialise the pipeline as one graph: string [n, 1] a field in, float32 [n, K] out.

    Returns
    -------
    bytes of an ONNX model that has passed the checker; the same pipeline gives the same bytes.
    """
    weights, bias = pipeline.head.affine()
    scale = pipeline.calibration.scale
    # Softmax of (logits + bias) · scale: the calibration's bias is one with the model's own.
    bias = bias + pipeline.calibration.bias / scale
    inputs = graph_inputs(pipeline.fields)
    nodes: list[Any] = []
    constants: list[Any] = [
        _constant("/flat", np.array([-1], dtype=np.int64)),
        _constant("/smallest", np.float32(_SMALLEST_LENGTH)),
        _constant("/bias", bias.astype(np.float32)),
        _constant("/scale", scale.astype(np.float32)),
    ]
    start = 0
    for i, entry in enumerate(inputs):
        stop = start + len(pipeline.vocabularies[i].vocabulary_)
        field_nodes, field_constants = _field(i, entry["name"], pipeline, weights[start:stop])
        nodes += field_nodes
        constants += field_constants
        start = stop
    nodes += [
        helper.make_node("Sum", [*(f"/{i}/logits" for i in range(len(inputs))), "/bias"], ["/raw"]),
        helper.make_node("Mul", ["/raw", "/scale"], ["/scaled"]),
        helper.make_node("Softmax", ["/scaled"], [OUTPUT], axis=-1),
    ]
    return _serialise(nodes, constants, [entry["name"] for entry in inputs], len(bias))


def _field(
    i: int, name: str, pipeline: TextLinearPipeline, weights: np.ndarray[Any, Any]
) -> tuple[list[Any], list[Any]]:
    """Nodes and constants of field `i`: its input to `/i/logits`, before the bias."""
    at = f"/{i}/"
    idf = pipeline.head.tfidf[i].idf_ * pipeline.head.seen[i]
    nodes = [
        helper.make_node("Reshape", [name, "/flat"], [at + "text"]),
        helper.make_node("StringNormalizer", [at + "text"], [at + "lower"], **_LOWER),
        helper.make_node("Tokenizer", [at + "lower"], [at + "words"], **_SPLIT),
        helper.make_node(
            "TfIdfVectorizer",
            [at + "words"],
            [at + "terms"],
            **_vocabulary_attributes(pipeline.vocabularies[i].vocabulary_, idf),
        ),
        helper.make_node("MatMul", [at + "terms", at + "weights"], [at + "products"]),
        helper.make_node("Mul", [at + "terms", at + "terms"], [at + "squares"]),
        helper.make_node("MatMul", [at + "squares", at + "ones"], [at + "squared_length"]),
        helper.make_node("Sqrt", [at + "squared_length"], [at + "length"]),
        helper.make_node("Max", [at + "length", "/smallest"], [at + "divisor"]),
        helper.make_node("Div", [at + "products", at + "divisor"], [at + "logits"]),
    ]
    ones = np.ones((len(weights), 1), dtype=np.float32)
    return nodes, [
        _constant(at + "weights", weights.astype(np.float32)),
        _constant(at + "ones", ones),
    ]


def _vocabulary_attributes(columns: dict[str, int], idf: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Attributes of TfIdfVectorizer: single words first, then pairs, each with its own column."""
    singles = sorted((term for term in columns if " " not in term.strip()), key=columns.__getitem__)
    pairs = sorted((term for term in columns if " " in term.strip()), key=columns.__getitem__)
    order = [columns[term] for term in singles + pairs]
    return {
        "mode": "TFIDF",
        "min_gram_length": 1,
        "max_gram_length": 2,
        "max_skip_count": 0,
        "pool_strings": singles + [word for pair in pairs for word in pair.split(" ")],
        "ngram_counts": [0, len(singles)],
        "ngram_indexes": order,
        "weights": [float(idf[column]) for column in order],
    }


def _constant(name: str, value: Any) -> Any:
    return numpy_helper.from_array(np.asarray(value), name)


def _serialise(
    nodes: list[Any], constants: list[Any], names: Sequence[str], n_classes: int
) -> bytes:
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "text-linear",
            [helper.make_tensor_value_info(name, TensorProto.STRING, [None, 1]) for name in names],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, n_classes])],
            constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)],
        ir_version=IR_VERSION,
        producer_name="surehand",
    )
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
