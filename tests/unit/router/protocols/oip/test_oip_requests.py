"""Inference requests: read, or refused by a problem that says where; never anything else."""

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.problems import MalformedInference
from services.router.protocols.oip.requests import Wanted, read
from services.router.protocols.oip.tensors import to_bytes
from shared.problems import NotJson, Unprocessable

TEXTS = ["good", "", "naïve ✓"]


def body_of(**changes: Any) -> bytes:
    """A request of one JSON tensor."""
    tensor = {"name": "text", "shape": [3, 1], "datatype": "BYTES", "data": TEXTS}
    return orjson.dumps({"inputs": [tensor], **changes})


def binary_body() -> tuple[bytes, int]:
    """A request of two binary tensors and one in JSON, and the length of its JSON."""
    texts = to_bytes("BYTES", TEXTS)
    numbers = to_bytes("FP32", [1.5, 2.5, 3.5])
    head = orjson.dumps(
        {
            "id": "7",
            "inputs": [
                {"name": "a", "shape": [3], "datatype": "BYTES",
                 "parameters": {"binary_data_size": len(texts)}},
                {"name": "b", "shape": [3], "datatype": "INT8", "data": [1, 2, 3]},
                {"name": "c", "shape": [3, 1], "datatype": "FP32",
                 "parameters": {"binary_data_size": len(numbers)}},
            ],
        }
    )  # fmt: skip
    return head + texts + numbers, len(head)


def test_tensors_of_both_forms_are_read_from_one_body() -> None:
    body, length = binary_body()
    request = read(body, length)
    texts = [text.encode() for text in TEXTS]
    found = [list(tensor.values) for tensor in request.inputs]
    assert found == [texts, [1, 2, 3], [1.5, 2.5, 3.5]]
    assert (request.id, request.outputs) == ("7", None)


def test_what_is_null_or_not_ours_is_let_be() -> None:
    body = body_of(id=None, parameters=None, outputs=None, model_name="x", priority=1)
    request = read(body, None)
    assert (request.id, request.parameters, request.outputs) == (None, {}, None)


def test_outputs_are_json_unless_the_call_or_the_output_says_binary() -> None:
    outputs: list[dict[str, Any]] = [
        {"name": "a"},
        {"name": "b", "parameters": {"binary_data": False}},
    ]
    request = read(body_of(outputs=outputs, parameters={"binary_data_output": True}), None)
    assert request.outputs == [Wanted("a", binary=True), Wanted("b", binary=False)]
    outputs[1]["parameters"] = {"binary_data": True}
    request = read(body_of(outputs=outputs), None)
    assert request.outputs == [Wanted("a", binary=False), Wanted("b", binary=True)]


def with_tensor(**changes: Any) -> bytes:
    tensor = {"name": "text", "shape": [1], "datatype": "FP32", "data": [1], **changes}
    return orjson.dumps({"inputs": [tensor]})


FAULTY: list[tuple[bytes, str]] = [
    (b"[]", ""),
    (b"{}", "/inputs"),
    (body_of(inputs=[]), "/inputs"),
    (body_of(inputs={}), "/inputs"),
    (body_of(inputs=[1]), "/inputs/0"),
    (body_of(inputs=[{"shape": [1]}]), "/inputs/0"),
    (body_of(id=7), "/id"),
    (body_of(parameters=[]), "/parameters"),
    (body_of(parameters={"binary_data_output": 1}), "/parameters/binary_data_output"),
    (body_of(outputs=[{}]), "/outputs/0"),
    (body_of(outputs=[{"name": "a", "parameters": 1}]), "/outputs/0/parameters"),
    (
        body_of(outputs=[{"name": "a", "parameters": {"binary_data": "yes"}}]),
        "/outputs/0/parameters/binary_data",
    ),
    (
        body_of(outputs=[{"name": "a", "parameters": {"classification": 1}}]),
        "/outputs/0/parameters/classification",
    ),
    (with_tensor(shape=None), "/inputs/0/shape"),
    (with_tensor(shape=[]), "/inputs/0/shape"),
    (with_tensor(shape=[0]), "/inputs/0/shape"),
    (with_tensor(shape=[-1]), "/inputs/0/shape"),
    (with_tensor(shape=[True]), "/inputs/0/shape"),
    (with_tensor(shape=[1] * 9), "/inputs/0/shape"),
    (with_tensor(shape=[2**62, 2**62]), "/inputs/0/data"),
    (with_tensor(datatype="BF16"), "/inputs/0/datatype"),
    (with_tensor(datatype=1), "/inputs/0/datatype"),
    (with_tensor(data=None), "/inputs/0/data"),
    (with_tensor(data=["1"]), "/inputs/0/data"),
    (
        with_tensor(parameters={"shared_memory_region": "r"}),
        "/inputs/0/parameters/shared_memory_region",
    ),
    (
        with_tensor(parameters={"binary_data_size": 4}),
        "/inputs/0/parameters/binary_data_size",
    ),
    (
        with_tensor(parameters={"binary_data_size": "4"}),
        "/inputs/0/parameters/binary_data_size",
    ),
]


@pytest.mark.parametrize(("body", "pointer"), FAULTY)
def test_a_fault_is_named_at_its_place(body: bytes, pointer: str) -> None:
    with pytest.raises(MalformedInference) as refusal:
        read(body, None)
    assert refusal.value.extensions["errors"][0]["pointer"] == pointer


def test_bytes_behind_the_last_tensor_are_refused() -> None:
    body, length = binary_body()
    for broken in (body + b"x", body[:-1]):
        with pytest.raises(MalformedInference):
            read(broken, length)
    with pytest.raises(MalformedInference):
        read(body[:10], 11)


@given(st.data())
def test_nothing_but_problems_comes_of_a_mangled_body(data: st.DataObject) -> None:
    body, length = binary_body()
    at = data.draw(st.integers(0, len(body)))
    until = data.draw(st.integers(at, min(at + 8, len(body))))
    mangled = body[:at] + data.draw(st.binary(max_size=8)) + body[until:]
    length = data.draw(st.just(length) | st.integers(0, len(body) + 10))
    with contextlib.suppress(NotJson, Unprocessable, MalformedInference):
        read(mangled, data.draw(st.sampled_from([length, None])))
