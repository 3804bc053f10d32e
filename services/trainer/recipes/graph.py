"""One ONNX graph from raw strings to calibrated probabilities.

Per field: lower-case. Per kind of terms in it: split into words or characters, count the terms
(one TfIdfVectorizer), one matrix product for the logits and the squared length, a division. Then
bias, scale (the calibration's, one number a label) and softmax. That nothing but a product reads
the counts lets a router add up rows of the matrix instead (`shared/graphs/lookups`), and no string
label leaves the graph.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.exporting import OUTPUT, constant, input_name, input_of, serialise
from services.trainer.recipes.features import LinearHead, Terms, TextLinearPipeline
from services.trainer.recipes.recipe import FloatArray
from services.trainer.recipes.tokens import (
    GRAPH_WORD,
    LOCALE,
    LONGEST_PART,
    SHORTEST_PART,
    Kind,
)

# The oldest that hold every operator used: StringConcat came last.
OPSET = 20
_SMALLEST_LENGTH = 1e-12
LOWER: dict[str, Any] = {"case_change_action": "LOWER", "is_case_sensitive": 1, "locale": LOCALE}
_SPLIT: dict[Kind, dict[str, Any]] = {
    "words": {"pad_value": "#", "tokenexp": GRAPH_WORD},
    # Split at nothing, a text falls into its characters.
    "characters": {"pad_value": "##", "separators": [""]},
}
_LENGTHS: dict[Kind, tuple[int, int]] = {
    "words": (1, 2),
    "characters": (SHORTEST_PART, LONGEST_PART),
}


def graph_inputs(fields: Sequence[str]) -> list[dict[str, Any]]:
    """Manifest entries of the inputs, one a field, named as the field is."""
    return [input_of(field, "string", [-1, 1]) for field in fields]


def export_onnx(pipeline: TextLinearPipeline) -> bytes:
    """Serialise the pipeline as one graph: string [n, 1] a field in, float32 [n, K] out.

    Returns
    -------
    bytes of an ONNX model that has passed the checker; the same pipeline gives the same bytes.
    """
    _, bias = pipeline.head.affine()
    nodes, constants, logits = term_nodes(pipeline.fields, pipeline.terms, pipeline.head)
    last, more = probability_nodes(logits, bias, pipeline.calibration)
    return serialise(
        "text-linear",
        [*nodes, *last],
        [*constants, *more],
        graph_inputs(pipeline.fields),
        len(bias),
        opsets={"": OPSET, "com.microsoft": 1},
    )


def term_nodes(
    fields: Sequence[str], terms: Sequence[Terms], head: LinearHead
) -> tuple[list[Any], list[Any], list[str]]:
    """Nodes and constants from the inputs to the logits of each kind of terms, before the bias.

    Returns
    -------
    Nodes, constants, and the names of the logits, float32 [n, K] each.
    """
    weights, _ = head.affine()
    nodes: list[Any] = []
    constants: list[Any] = [
        constant("/flat", np.array([-1], dtype=np.int64)),
        constant("/space", np.array([" "], dtype=object)),
        constant("/sizes", np.array([weights.shape[1], 1], dtype=np.int64)),
        constant("/smallest", np.float32(_SMALLEST_LENGTH)),
    ]
    for i, field in enumerate(fields):
        nodes += _field(i, input_name(field))
    start, place = 0, {field: i for i, field in enumerate(fields)}
    for of, idf in zip(terms, head.idf, strict=True):
        stop = start + len(of.names)
        table = np.column_stack([weights[start:stop] * idf[:, None], idf**2])
        of_terms, of_table = _terms(of, place[of.field], table)
        nodes += of_terms
        constants.append(of_table)
        start = stop
    return nodes, constants, [f"{_at(one, place[one.field])}logits" for one in terms]


def probability_nodes(
    logits: Sequence[str], bias: FloatArray, calibration: Calibration
) -> tuple[list[Any], list[Any]]:
    """Nodes and constants from the parts of the logits to the graph's output."""
    scale = calibration.scale
    # Softmax of (logits + bias) · scale: the calibration's bias is one with the model's own.
    bias = bias + calibration.bias / scale
    nodes = [
        helper.make_node("Sum", [*logits, "/bias"], ["/raw"]),
        helper.make_node("Mul", ["/raw", "/scale"], ["/scaled"]),
        helper.make_node("Softmax", ["/scaled"], [OUTPUT], axis=-1),
    ]
    constants = [
        constant("/bias", bias.astype(np.float32)),
        constant("/scale", scale.astype(np.float32)),
    ]
    return nodes, constants


def _at(terms: Terms, place: int) -> str:
    return f"/{place}/{terms.kind}/"


def _field(i: int, name: str) -> list[Any]:
    """Nodes of field `i`: its input to what its words, and what its characters are split from."""
    at = f"/{i}/"
    return [
        helper.make_node("Reshape", [name, "/flat"], [at + "text"]),
        helper.make_node("StringNormalizer", [at + "text"], [at + "split-words"], **LOWER),
        helper.make_node("StringConcat", ["/space", at + "split-words"], [at + "begun"]),
        helper.make_node("StringConcat", [at + "begun", "/space"], [at + "split-characters"]),
    ]


def _terms(terms: Terms, place: int, table: FloatArray) -> tuple[list[Any], Any]:
    """Nodes and constant from a field to the logits of one kind of terms, before the bias."""
    at = _at(terms, place)
    split = _SPLIT[terms.kind] | {"mark": 0, "mincharnum": 1, "domain": "com.microsoft"}
    return [
        helper.make_node("Tokenizer", [f"/{place}/split-{terms.kind}"], [at + "tokens"], **split),
        helper.make_node(
            "TfIdfVectorizer", [at + "tokens"], [at + "counts"], **_vocabulary_attributes(terms)
        ),
        helper.make_node("MatMul", [at + "counts", at + "table"], [at + "sums"]),
        helper.make_node(
            "Split", [at + "sums", "/sizes"], [at + "products", at + "squares"], axis=1
        ),
        helper.make_node("Sqrt", [at + "squares"], [at + "length"]),
        helper.make_node("Max", [at + "length", "/smallest"], [at + "divisor"]),
        helper.make_node("Div", [at + "products", at + "divisor"], [at + "logits"]),
    ], constant(at + "table", table.astype(np.float32))


def _vocabulary_attributes(terms: Terms) -> dict[str, Any]:
    """Attributes of TfIdfVectorizer: the terms by the number of their tokens."""
    shortest, longest = _LENGTHS[terms.kind]
    by_length: list[list[tuple[int, list[str]]]] = [[] for _ in range(longest)]
    for column, name in enumerate(terms.names):
        tokens = list(name) if terms.kind == "characters" else name.split(" ")
        # A field without any term has one that is a space.
        tokens = tokens if all(tokens) else [name]
        by_length[len(tokens) - 1].append((column, tokens))
    sizes = [length * len(found) for length, found in enumerate(by_length, start=1)]
    return {
        "mode": "TF",
        "min_gram_length": shortest,
        "max_gram_length": longest,
        "max_skip_count": 0,
        "pool_strings": [token for found in by_length for _, tokens in found for token in tokens],
        "ngram_counts": [sum(sizes[:length]) for length in range(longest)],
        "ngram_indexes": [column for found in by_length for column, _ in found],
    }
