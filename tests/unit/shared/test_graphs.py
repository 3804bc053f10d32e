"""A graph is loaded, checked and tried, or refused with a sentence; items that it cannot take
leave their neighbours alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper
from onnx.external_data_helper import set_external_data

from shared.contracts.versions import ModelInterface
from shared.fields.category import CategoryField
from shared.fields.image import ImageField
from shared.fields.number import NumberField
from shared.fields.pictures import Picture
from shared.fields.text import TextField
from shared.fields.vector import VectorField
from shared.graphs.graph import BATCH_SIZE, Graph
from shared.graphs.rows import are_distributions
from shared.graphs.session import GraphRefused
from shared.graphs.trial import try_on, try_out
from tests.graphs import (
    DOUBLE,
    FLOAT,
    INT64,
    STRING,
    UINT8,
    an_input,
    bytes_of,
    image_model,
    index_model,
    interface,
    linear,
    model_of,
    node,
    number_model,
    text_model,
)
from tests.pictures import encoded

FIELDS = {
    "text": TextField(),
    "price": NumberField(),
    "weight": NumberField(),
    "kind": CategoryField(values=["a", "b", "c"]),
    "vector": VectorField(length=3),
    "photo": ImageField(),
}
PAIR = interface(an_input("float_input", ["price", "weight"], shape=(-1, 2)))
ONE = interface(an_input("x", "price"))
SCORE = {"x": (FLOAT, [None, 1])}


def tried(model: bytes, says: ModelInterface) -> Graph:
    graph = Graph(model, says, FIELDS)
    try_out(graph, says, FIELDS)
    return graph


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def positive(graph: Graph, items: Sequence[dict[str, Any]]) -> list[float]:
    rows = graph.run(items)
    assert rows.dtype == np.float32
    return [float(one) for one in rows[:, 1]]


def test_several_numbers_stacked_into_one_tensor() -> None:
    graph = tried(number_model(), PAIR)
    items = [{"price": 2.0, "weight": 0.5}, {"price": 0.0, "weight": 3.0}]
    assert positive(graph, items) == pytest.approx([sigmoid(1.5), sigmoid(-3)], abs=1e-6)


def test_text_vector_and_category_inputs() -> None:
    graph = tried(text_model(), interface(an_input("text", "text", "string")))
    assert positive(graph, [{"text": "good"}, {"text": ""}]) == pytest.approx([sigmoid(4), 0.5])
    model = number_model([1, 2, 3], "v")
    graph = tried(model, interface(an_input("v", "vector", shape=(-1, 3))))
    assert positive(graph, [{"vector": [1, 1, -1]}]) == pytest.approx([0.5])
    graph = tried(model, interface(an_input("v", "kind", shape=(-1, 3))))
    assert positive(graph, [{"kind": "b"}]) == pytest.approx([sigmoid(2)])
    graph = tried(index_model(), interface(an_input("kind", "kind", "int64", (-1,))))
    assert positive(graph, [{"kind": "c"}, {"kind": "a"}]) == pytest.approx([0.9, 0.1])


@pytest.mark.parametrize(
    ("shape", "kind", "dtype"),
    [
        ((3, 4, 4), FLOAT, "float"),
        ((4, 4, 3), FLOAT, "float32"),
        ((1, 4, 4), FLOAT, "float"),
        ((3, 4, 4), UINT8, "uint8"),
        ((4, 4, 1), UINT8, "uint8"),
    ],
)
def test_image_inputs(shape: tuple[int, ...], kind: int, dtype: str) -> None:
    graph = tried(
        image_model(shape, kind), interface(an_input("photo", "photo", dtype, (-1, *shape)))
    )
    grey = {"photo": encoded(colour=(51, 51, 51))}
    white = {"photo": Picture(encoded(colour=(255, 255, 255), kind="WEBP", lossless=True))}
    found = positive(graph, [grey, white, {"photo": "https://example.org/x.png"}])
    assert found[:2] == pytest.approx([sigmoid(-2.4), sigmoid(4)], abs=1e-5)
    assert np.isnan(found[2])


def test_several_inputs_of_several_types() -> None:
    nodes, constants = linear("all", [1, 2, 3, 4])
    model = model_of(
        [
            node("Cast", ["flag"], ["flagged"], to=FLOAT),
            node("Cast", ["price"], ["priced"], to=FLOAT),
            node("Concat", ["flagged", "priced", "pair"], ["all"], axis=1),
            *nodes,
        ],
        {
            "flag": (INT64, [None, 1]),
            "price": (DOUBLE, ["n", 1]),
            "pair": (FLOAT, [None, 2]),
        },
        constants=constants,
    )
    says = interface(
        an_input("price", "price", "double"),
        an_input("pair", ["weight", "weight"], shape=(-1, 2)),
        an_input("flag", "kind", "int64"),
    )
    graph = tried(bytes_of(model), says)
    assert positive(graph, [{"kind": "c", "price": -2, "weight": 0.5}]) == pytest.approx(
        [sigmoid(2 - 4 + 3.5)], abs=1e-6
    )


def test_double_probabilities_become_float32() -> None:
    model = model_of(
        [
            node("Sigmoid", ["x"], ["p"]),
            node("Sub", ["one", "p"], ["q"]),
            node("Concat", ["q", "p"], ["probabilities"], axis=1),
        ],
        {"x": (DOUBLE, [None, 1])},
        constants={"one": np.float64(1)},
        output=helper.make_tensor_value_info("probabilities", DOUBLE, None),
    )
    says = interface(an_input("x", "price", "float64"))
    assert positive(tried(bytes_of(model), says), [{"price": 1}]) == pytest.approx([sigmoid(1)])


def test_a_string_label_output_is_ignored() -> None:
    nodes, constants = linear("x", [1])
    model = model_of(
        [
            *nodes,
            node("ArgMax", ["probabilities"], ["top"], axis=1, keepdims=0),
            node(
                "LabelEncoder", ["top"], ["label"], domain="ai.onnx.ml",
                keys_int64s=[0, 1], values_strings=["no", "yes"], default_string="",
            ),
        ],
        SCORE,
        constants=constants,
    )  # fmt: skip
    model.graph.output.insert(0, helper.make_tensor_value_info("label", STRING, [None]))
    assert positive(tried(bytes_of(model), ONE), [{"price": 0}]) == [0.5]


def test_an_item_that_cannot_be_taken_leaves_its_neighbours_alone() -> None:
    nodes, constants = linear("number", [1])
    model = bytes_of(
        model_of(
            [node("Cast", ["x"], ["number"], to=FLOAT), *nodes],
            {"x": (INT64, [None, 1])},
            constants=constants,
        )
    )
    graph = tried(model, interface(an_input("x", "price", "int64")))
    items = [{"price": price} for price in (0, 0.5, 2.0, 2.0**64, -1)]
    assert [graph.takes(item) for item in items] == [True, False, True, False, True]
    rows = graph.run(items)
    assert np.isnan(rows[[1, 3]]).all()
    assert rows[[0, 2, 4], 1] == pytest.approx([0.5, sigmoid(2), sigmoid(-1)])
    assert np.isnan(graph.run([items[1]])).all()
    assert graph.run([]).shape == (0, 2)


@given(st.lists(st.sampled_from([0, 1, 2, 7, -9]), min_size=1, max_size=12))
def test_an_item_that_the_graph_fails_on_leaves_its_neighbours_alone(kinds: list[int]) -> None:
    rows = FAILING.run_each([{"price": kind} for kind in kinds])
    good = [0 <= kind <= 2 for kind in kinds]
    assert are_distributions(rows).tolist() == good
    expected = [0.1 + 0.4 * kind for kind in kinds if 0 <= kind <= 2]
    assert rows[good, 1].tolist() == pytest.approx(expected)


FAILING = Graph(index_model(), interface(an_input("kind", "price", "int64", (-1,))), FIELDS)


def test_many_items_are_run_in_batches_and_stay_in_order() -> None:
    graph = tried(number_model(), PAIR)
    items = [{"price": i / 100, "weight": 0} for i in range(2 * BATCH_SIZE + 3)]
    assert positive(graph, items) == pytest.approx([sigmoid(i / 100) for i in range(len(items))])


def refusal(model: bytes, says: ModelInterface = ONE) -> GraphRefused:
    with pytest.raises(GraphRefused) as caught:
        tried(model, says)
    return caught.value


TWO = node("Concat", ["x", "x"], ["two"], axis=1)


def answering(*nodes: Any, **more: Any) -> bytes:
    return bytes_of(model_of(nodes, SCORE, **more))


def external(location: str) -> bytes:
    nodes, constants = linear("x", [1])
    model = model_of(nodes, SCORE, constants=constants)
    set_external_data(model.graph.initializer[0], location, offset=0, length=8)
    model.graph.initializer[0].ClearField("raw_data")
    return bytes_of(model)


SOFT = node("Softmax", ["two"], ["probabilities"], axis=1)
GOOD = bytes_of(model_of([TWO, SOFT], SCORE))
LOADING = {
    "empty": (b"", "not an ONNX file"),
    "noise": (b"not a graph", "not an ONNX file"),
    "torn": (GOOD[:-20], "not an ONNX file"),
    "unknown operator": (answering(node("Foo", ["x"], ["probabilities"])), "operator Foo"),
    "custom domain": (
        answering(
            node("BertTokenizer", ["x"], ["probabilities"], domain="ai.onnx.contrib"),
            domains=["ai.onnx.contrib"],
        ),
        "operator ai.onnx.contrib:BertTokenizer",
    ),
    "domain without opset": (
        answering(node("Foo", ["x"], ["probabilities"], domain="acme"), domains=[]),
        "domain acme without",
    ),
    "future opset": (answering(TWO, SOFT, opset=99), "opset 99 is newer"),
    "external": (external("weights.bin"), "external data"),
    "external, absolute": (external("/etc/hostname"), "external data"),
    "external, above": (external("../../etc/hostname"), "external data"),
    "locale": (
        bytes_of(
            model_of(
                [
                    node(
                        "StringNormalizer",
                        ["x"],
                        ["y"],
                        case_change_action="LOWER",
                        locale="xx_YY.UTF-8",
                    ),
                    node(
                        "LabelEncoder",
                        ["y"],
                        ["probabilities"],
                        domain="ai.onnx.ml",
                        keys_strings=["a"],
                        values_floats=[1.0],
                    ),
                ],
                {"x": (STRING, [None])},
            )
        ),
        "no locale xx_YY.UTF-8",
    ),
    "loose end": (answering(node("Identity", ["z"], ["probabilities"])), "Node input 'z'"),
}


@pytest.mark.parametrize("name", LOADING)
def test_what_cannot_be_loaded_is_refused_with_a_sentence(name: str) -> None:
    model, why = LOADING[name]
    refused = refusal(model)
    assert str(refused).startswith("ONNX Runtime cannot load it: ")
    assert why in str(refused)
    assert refused.pointer == "/model"


def test_no_file_of_the_working_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.ones(2, dtype=np.float32).tofile(tmp_path / "weights.bin")
    monkeypatch.chdir(tmp_path)
    assert "external data" in str(refusal(external("weights.bin")))


def test_a_future_format_and_a_missing_opset_are_refused() -> None:
    model = onnx.load_from_string(GOOD)
    model.ir_version = 99
    assert "IR version 99" in str(refusal(bytes_of(model)))
    model = onnx.load_from_string(GOOD)
    del model.opset_import[:]
    assert "which opset" in str(refusal(bytes_of(model)))


ZIPMAP = model_of(
    [
        TWO,
        node("Softmax", ["two"], ["soft"]),
        node("ZipMap", ["soft"], ["maps"], domain="ai.onnx.ml", classlabels_strings=["a", "b"]),
    ],
    SCORE,
    output=helper.make_value_info(
        "maps",
        helper.make_sequence_type_proto(
            helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, []))
        ),
    ),
)
HALF = model_of(
    [TWO, node("Softmax", ["two"], ["soft"]), node("Cast", ["soft"], ["probabilities"], to=INT64)],
    SCORE,
    output=helper.make_tensor_value_info("probabilities", INT64, [None, 2]),
)
ONE_COLUMN = helper.make_tensor_value_info("probabilities", FLOAT, [None, 1])
FLAT = helper.make_tensor_value_info("probabilities", FLOAT, [None])
SILENT = helper.make_tensor_value_info("probabilities", FLOAT, None)
SIGNATURES: dict[str, tuple[bytes, ModelInterface, str, str]] = {
    "missing output": (GOOD, interface(an_input("x", "price"), output="p"), "outputs/probabilities",
                       "the graph has probabilities"),
    "unsaid output": (GOOD, ONE.model_copy(update={"outputs": {}}), "outputs/probabilities",
                      "which output"),
    "zipmap": (bytes_of(ZIPMAP), interface(an_input("x", "price"), output="maps"), "",
               "{'zipmap': False}"),
    "whole numbers": (bytes_of(HALF), ONE, "", "float or double"),
    "one column": (answering(node("Sigmoid", ["x"], ["probabilities"]), output=ONE_COLUMN), ONE, "",
                   "(None, 1): they need"),
    "one axis": (answering(node("Squeeze", ["x", "at"], ["probabilities"]), output=FLAT,
                           constants={"at": np.array([1])}), ONE, "", "(None,): they need"),
    "other labels": (GOOD, interface(an_input("x", "price"), labels=["a", "b", "c"]), "",
                     "2 columns, the project has 3 labels"),
    "unfed": (GOOD, interface(), "inputs", "does not feed x"),
    "fed twice": (GOOD, interface(an_input("x", "price"), an_input("x", "weight")), "inputs",
                  "x twice"),
    "no such input": (GOOD, interface(an_input("y", "price")), "inputs/0", "no input y"),
    "no such field": (GOOD, interface(an_input("x", "colour")), "inputs/0", "colour"),
    "wrong type": (GOOD, interface(an_input("x", "price", "double")), "inputs/0",
                   "tensor(float) in the graph"),
    "wrong shape": (GOOD, interface(an_input("x", ["price", "weight"], shape=(-1, 2))), "inputs/0",
                    "in the manifest"),
    "fixed batch": (bytes_of(model_of([TWO, SOFT], {"x": (FLOAT, [1, 1])}, output=SILENT)), ONE,
                    "inputs/0", "1 items at a time"),
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNATURES)
def test_another_signature_is_refused_at_its_place(name: str) -> None:
    model, says, place, why = SIGNATURES[name]
    refused = refusal(model, says)
    assert why in str(refused)
    assert refused.pointer == (f"/manifest/{place}" if place else "/model")


def constant(*values: float) -> Any:
    return node("Constant", [], ["probabilities"], value_floats=list(values))


TRIALS = {
    "logits": (answering(TWO, node("Exp", ["two"], ["probabilities"])), "sum to one"),
    "nan": (
        answering(TWO, node("Sub", ["two", "two"], ["zero"]),
                  node("Div", ["zero", "zero"], ["probabilities"])), "not finite",
    ),
    "negative": (
        answering(TWO, node("Mul", ["two", "zero"], ["flat"]),
                  node("Add", ["flat", "spread"], ["probabilities"]),
                  constants={"zero": np.float32(0),
                             "spread": np.array([[-0.5, 1.5]], dtype=np.float32)}), "-0.5",
    ),
    "over the batch": (
        answering(TWO, node("Softmax", ["two"], ["soft"], axis=0),
                  node("ReduceSum", ["soft", "at"], ["total"], keepdims=1),
                  node("Div", ["soft", "total"], ["half"]),
                  node("ReduceMax", ["two"], ["top"], keepdims=0),
                  node("Mul", ["two", "top"], ["scaled"]),
                  node("Mul", ["scaled", "sign"], ["signed"]),
                  node("Softmax", ["signed"], ["probabilities"], axis=1),
                  constants={"at": np.array([1]),
                             "sign": np.array([[1, -1]], dtype=np.float32)}), "share a batch",
    ),
    "chance": (
        answering(node("RandomNormalLike", ["x"], ["noise"]), node("Add", ["x", "noise"], ["n"]),
                  node("Neg", ["n"], ["m"]), node("Concat", ["n", "m"], ["two"], axis=1), SOFT),
        "share a batch",
    ),
    "always one row": (answering(constant(0.5, 0.5)), "shape (2,)"),
    "first row only": (
        answering(TWO, node("Softmax", ["two"], ["soft"]),
                  node("Slice", ["soft", "zero", "one"], ["probabilities"]), output=SILENT,
                  constants={"zero": np.array([0]), "one": np.array([1])}),
        "2 items with 1 rows",
    ),
    "fixed inside": (
        answering(node("Reshape", ["x", "shape"], ["one"]),
                  node("Concat", ["one", "one"], ["two"], axis=1), SOFT,
                  constants={"shape": np.array([1, 1])}), "run on 2 items failed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRIALS)
def test_answers_that_are_no_probabilities_are_refused(name: str) -> None:
    model, why = TRIALS[name]
    assert why in str(refusal(model))


def test_real_items_are_tried_too() -> None:
    model = answering(
        node("Log", ["x"], ["log"]), node("Neg", ["log"], ["minus"]),
        node("Concat", ["log", "minus"], ["two"], axis=1), SOFT,
    )  # fmt: skip
    graph = tried(model, ONE)
    try_on(graph, [], [])
    try_on(graph, [{"price": 3}], ["item a"])
    with pytest.raises(GraphRefused, match="answer to item b"):
        try_on(graph, [{"price": 3}, {"price": -1}], ["item a", "item b"])
