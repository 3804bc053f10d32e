"""What an ONNX file is made of is known before any runtime opens it."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.external_data_helper import set_external_data

from services.trainer.uploads.inspection import inspect
from shared.graphs.session import GraphRefused
from tests.graphs import FLOAT, bytes_of, model_of, node, number_model, text_model

SCORE = {"x": (FLOAT, [None, 1])}


def refusal(model: Any) -> str:
    with pytest.raises(GraphRefused) as caught:
        inspect(model if isinstance(model, bytes) else bytes_of(model))
    assert caught.value.pointer == "/model"
    return str(caught.value)


def away(name: str = "w") -> Any:
    tensor = numpy_helper.from_array(np.ones((1, 2), dtype=np.float32), name)
    set_external_data(tensor, "elsewhere.bin")
    tensor.ClearField("raw_data")
    return tensor


def inner(*nodes: Any, tensors: Any = ()) -> Any:
    """A graph for a branch of an If."""
    output = helper.make_tensor_value_info("y", FLOAT, None)
    return helper.make_graph(list(nodes), "branch", [], [output], list(tensors))


def test_ordinary_models_pass() -> None:
    for model in (number_model(), text_model()):
        inspect(model)


@pytest.mark.parametrize("body", [b"not a graph", number_model()[:-9]])
def test_what_is_no_file_is_refused(body: bytes) -> None:
    assert "not an ONNX file" in refusal(body)


def test_every_unknown_operator_is_named_with_its_domain() -> None:
    model = model_of(
        [
            node("Foo", ["x"], ["a"]),
            node("BertTokenizer", ["a"], ["b"], domain="ai.onnx.contrib"),
            node("Relu", ["b"], ["c"], domain="ai.onnx"),
            node("Softmax", ["c"], ["probabilities"]),
        ],
        SCORE,
    )
    assert refusal(model).endswith(": Foo, ai.onnx.contrib:BertTokenizer")


def test_a_long_list_is_cut() -> None:
    nodes = [node(f"Op{i}", ["x"], [f"y{i}"]) for i in range(8)]
    assert refusal(model_of(nodes, SCORE)).endswith("Op3, Op4 and 3 more")


def test_operators_of_inner_graphs_and_functions_count() -> None:
    branch = inner(node("Inside", ["x"], ["y"]))
    model = model_of(
        [node("If", ["x"], ["probabilities"], then_branch=branch, else_branch=branch)], SCORE
    )
    assert refusal(model).endswith(": Inside")
    opsets = [helper.make_opsetid("", 18)]
    function = helper.make_function(
        "mine", "Twice", ["a"], ["b"], [node("Deep", ["a"], ["b"])], opsets
    )
    call = node("Twice", ["x"], ["probabilities"], domain="mine")
    assert refusal(model_of([call], SCORE, functions=[function])).endswith(": Deep")


def test_a_function_of_the_files_own_is_known() -> None:
    opsets = [helper.make_opsetid("", 18)]
    function = helper.make_function(
        "mine", "Twice", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], opsets
    )
    call = node("Twice", ["x"], ["probabilities"], domain="mine")
    inspect(bytes_of(model_of([call], SCORE, domains=["mine"], functions=[function])))


def test_tensors_in_other_files_are_refused_wherever_they_are_named() -> None:
    plain = onnx.load_from_string(number_model())
    plain.graph.initializer.append(away("weights"))
    assert "external data): weights;" in refusal(plain)
    constant = node("Constant", [], ["probabilities"], value=away())
    assert "external data): w;" in refusal(model_of([constant], SCORE))
    branch = inner(node("Identity", ["w"], ["y"]), tensors=[away()])
    model = model_of(
        [node("If", ["x"], ["probabilities"], then_branch=branch, else_branch=branch)], SCORE
    )
    assert "external data): w, w;" in refusal(model)
    function = helper.make_function(
        "mine", "Stored", [], ["b"], [node("Constant", [], ["b"], value=away())],
        [helper.make_opsetid("", 18)],
    )  # fmt: skip
    call = node("Stored", [], ["probabilities"], domain="mine")
    assert "external data" in refusal(model_of([call], SCORE, functions=[function]))
