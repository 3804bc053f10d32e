"""What a graph would do as often or as largely as an item says is found before it runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from onnx import helper

from shared.graphs.control_flow import MOST_ROUNDS, runs_straight, unbounded
from tests.graphs import FLOAT, INT64, bytes_of, linear, model_of, node, number_model, text_model

BOOL = 9
SCORE = {"x": (FLOAT, [None, 1])}
VALUE = helper.make_tensor_value_info("value", FLOAT, None)
NEXT = helper.make_tensor_value_info("next", FLOAT, None)
STILL = helper.make_tensor_value_info("still", BOOL, [])
# From an item's values to one whole number, and from the shape of its tensor to another.
BY_VALUE = [
    node("ReduceMax", ["x"], ["highest"], keepdims=0),
    node("Cast", ["highest"], ["count"], to=INT64),
    node("Unsqueeze", ["count", "zero"], ["size"]),
]
BY_SHAPE = [node("Shape", ["x"], ["size"], start=0, end=1), node("Squeeze", ["size"], ["count"])]


def model(nodes: Sequence[Any], functions: Sequence[Any] = (), **constants: Any) -> Any:
    """A model whose nodes make `y`, which its answer does not depend on."""
    head, weights = linear("x", [1.0])
    given = {
        **weights,
        "zero": np.array([0]),
        "yes": np.array(True),
        "two": np.array([2]),
        "one": np.array(1),
        **constants,
    }
    domains = ["ai.onnx.ml", "com.microsoft", "mine"]
    return model_of([*nodes, *head], SCORE, constants=given, domains=domains, functions=functions)


def loop(count: str, *inner: Any) -> Any:
    turn = helper.make_tensor_value_info("turn", INT64, [])
    go = helper.make_tensor_value_info("go", BOOL, [])
    nodes = [node("Identity", ["go"], ["still"]), *(inner or [node("Cos", ["value"], ["next"])])]
    body = helper.make_graph(nodes, "body", [turn, go, VALUE], [STILL, NEXT])
    return node("Loop", [count, "yes", "x"], ["y"], body=body)


def scan(*inner: Any) -> Any:
    part = helper.make_tensor_value_info("part", FLOAT, None)
    nodes = inner or [node("Add", ["value", "part"], ["next"])]
    body = helper.make_graph(list(nodes), "body", [VALUE, part], [NEXT])
    return node("Scan", ["x", "x"], ["y"], body=body, num_scan_inputs=1)


def branch(*inner: Any) -> Any:
    body = helper.make_graph(list(inner), "branch", [], [NEXT])
    return node("If", ["yes"], ["y"], then_branch=body, else_branch=body)


def function(*inner: Any) -> Any:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    return helper.make_function("mine", "Mine", ["count", "x"], ["y"], list(inner), opsets)


CALL = node("Mine", ["count", "x"], ["y"], domain="mine")
SIZED: Mapping[str, Any] = {
    "Expand": node("Expand", ["x", "size"], ["y"]),
    "Tile": node("Tile", ["x", "size"], ["y"]),
    "ConstantOfShape": node("ConstantOfShape", ["size"], ["y"]),
    "Range": node("Range", ["zero", "count", "one"], ["y"]),
    "Resize": node("Resize", ["x", "", "", "size"], ["y"]),
    "Pad": node("Pad", ["x", "size"], ["y"]),
    "OneHot": node("OneHot", ["zero", "count", "two"], ["y"]),
    "MaxUnpool": node("MaxUnpool", ["x", "zero", "size"], ["y"], kernel_shape=[1]),
    "HannWindow": node("HannWindow", ["count"], ["y"]),
}


@pytest.mark.parametrize("kind", SIZED)
def test_a_size_that_follows_an_items_values_is_named(kind: str) -> None:
    fault = unbounded(model([*BY_VALUE, SIZED[kind]]))
    assert fault is not None
    assert fault.startswith(f"the size of what its {kind} y makes depends on an item's values")
    assert unbounded(model([*BY_SHAPE, SIZED[kind]])) is None


@pytest.mark.parametrize(
    "around",
    [branch, scan, lambda *nodes: loop("one", *nodes)],
    ids=["If", "Scan", "Loop"],
)
def test_it_is_found_in_bodies_too(around: Any) -> None:
    inner = node("Expand", ["x", "size"], ["next"])
    assert unbounded(model([*BY_SHAPE, around(inner)])) is None
    assert "Expand next" in str(unbounded(model([*BY_VALUE, around(inner)])))


def test_it_is_found_in_functions_as_they_are_called() -> None:
    inner = [node("Unsqueeze", ["count", "axis"], ["size"]), node("Expand", ["x", "size"], ["y"])]
    axis = node("Constant", [], ["axis"], value_ints=[0])
    functions = [function(axis, *inner)]
    assert unbounded(model([*BY_SHAPE, CALL], functions)) is None
    assert "Expand y" in str(unbounded(model([*BY_VALUE, CALL], functions)))


def test_what_a_round_of_a_loop_makes_of_values_counts_in_the_next() -> None:
    sized = node("Expand", ["x", "value"], ["next"])
    body = loop("one", sized)
    body.input[2] = "zero"
    # The second round expands to what the first one made of the item.
    assert "Expand next" in str(unbounded(model([body])))


@pytest.mark.parametrize(
    "count", [BY_VALUE, BY_SHAPE, [node("Identity", ["missing"], ["count"])]], ids=str
)
def test_a_loop_goes_round_as_often_as_a_constant_says(count: list[Any]) -> None:
    fault = unbounded(model([*count, loop("count")]))
    assert fault == (
        "its Loop y goes round as often as an item's values say: give it a trip count that is a "
        "constant of at most 10,000"
    )
    assert unbounded(model([loop("one")])) is None
    assert "goes round as often" in str(unbounded(model([loop("")])))


def test_constants_are_known_through_what_exporters_put_around_them() -> None:
    nodes = [
        node("Constant", [], ["given"], value_int=7),
        node("Cast", ["given"], ["cast"], to=INT64),
        node("Identity", ["cast"], ["count"]),
    ]
    assert unbounded(model([*nodes, loop("count")])) is None


def test_rounds_of_loops_in_one_another_are_multiplied() -> None:
    inner = loop("many")
    inner.output[0] = "next"
    assert unbounded(model([loop("few", inner)], many=np.array(100), few=np.array(100))) is None
    fault = unbounded(model([loop("few", inner)], many=np.array(100), few=np.array(101)))
    assert fault == "its Loop next goes round 10,100 times, of at most 10,000 allowed"
    assert unbounded(model([loop("many")], many=np.array(MOST_ROUNDS + 1))) is not None


def test_a_scan_is_bounded_by_its_input_unless_it_lies_in_another_loop() -> None:
    inner = scan()
    inner.output[0] = "next"
    assert unbounded(model([scan()])) is None
    for outer in (scan(inner), loop("one", inner)):
        assert "lies in another loop" in str(unbounded(model([outer])))


@pytest.mark.thorough
def test_decoders_and_functions_that_multiply_are_refused() -> None:
    search = node("GreedySearch", ["x", "count"], ["y"], domain="com.microsoft")
    assert "GreedySearch y decodes step by step" in str(unbounded(model([*BY_SHAPE, search])))
    opsets = [helper.make_opsetid("mine", 1)]
    last = helper.make_function("mine", "F0", ["a"], ["b"], [node("Identity", ["a"], ["b"])], [])
    functions = [last] + [
        helper.make_function(
            *("mine", f"F{n}", ["a"], ["b"]),
            [node(f"F{n - 1}", [a], [b], domain="mine") for a, b in ("ac", "cb")],
            opsets,
        )
        for n in range(1, 40)
    ]
    many = model([node("F39", ["x"], ["y"], domain="mine")], functions)
    assert "too many steps" in str(unbounded(many))


def test_only_graphs_without_bodies_and_such_sizes_run_straight() -> None:
    for straight in (number_model(), text_model(), bytes_of(model([*BY_SHAPE, SIZED["Expand"]]))):
        assert runs_straight(straight)
    for nodes in ([loop("one")], [scan()], [branch(node("Cos", ["x"], ["next"]))]):
        assert not runs_straight(bytes_of(model(nodes)))
    assert not runs_straight(bytes_of(model([*BY_VALUE, SIZED["Expand"]])))
    assert not runs_straight(b"Loop of no model")
