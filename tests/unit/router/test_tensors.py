"""Items' data becomes the tensors that the manifest names, or the version is refused."""

import numpy as np
import pytest

from services.router.scoring.tensors import input_fault, runtime_fault, synthetic_item, tensors
from shared.contracts.items import check_data
from shared.contracts.projects import FieldSpec
from shared.contracts.versions import ModelInput

FIELDS = {
    "text": FieldSpec(type="text", max_length=4),
    "kind": FieldSpec(type="category", values=["a", "b"]),
    "price": FieldSpec(type="number"),
    "vector": FieldSpec(type="vector", length=3),
    "photo": FieldSpec(type="image"),
    "extra": FieldSpec(type="json"),
}


def an_input(field: str, dtype: str, shape: list[int]) -> ModelInput:
    return ModelInput(name=f"{field}_in", field=field, dtype=dtype, shape=shape)


def test_each_field_type_gets_its_tensor() -> None:
    inputs = [
        an_input("text", "string", [-1, 1]),
        an_input("kind", "string", [-1]),
        an_input("price", "float", [-1, 1]),
        an_input("vector", "double", [-1, 3]),
    ]
    items = [
        {"text": "é", "kind": "a", "price": 2, "vector": [1, 2, 3]},
        {"text": "", "kind": "b", "price": 0.5, "vector": [0, 0, 1.5]},
    ]
    made = tensors(inputs, items)
    assert made["text_in"].tolist() == [["é"], [""]]
    assert made["kind_in"].tolist() == ["a", "b"]
    assert made["price_in"].dtype == np.float32
    assert made["price_in"].tolist() == [[2.0], [0.5]]
    assert made["vector_in"].dtype == np.float64
    assert made["vector_in"].tolist() == [[1, 2, 3], [0, 0, 1.5]]


@pytest.mark.parametrize(
    "entry",
    [
        an_input("text", "float", [-1, 1]),
        an_input("text", "string", [-1, 2]),
        an_input("price", "string", [-1, 1]),
        an_input("price", "int64", [-1, 1]),
        an_input("vector", "float", [-1, 4]),
        an_input("photo", "string", [-1, 1]),
        an_input("extra", "string", [-1, 1]),
        an_input("colour", "string", [-1, 1]),
    ],
)
def test_an_input_that_no_field_can_feed_is_a_fault(entry: ModelInput) -> None:
    assert input_fault(entry, FIELDS)


def test_a_graph_that_differs_from_its_manifest_is_a_fault() -> None:
    entry = an_input("text", "string", [-1, 1])
    assert runtime_fault(entry, "tensor(string)") is None
    assert runtime_fault(entry, "tensor(float)")
    assert runtime_fault(entry, None)


def test_the_synthetic_item_passes_the_projects_own_check() -> None:
    fields = {name: spec for name, spec in FIELDS.items() if name != "photo"}
    assert check_data(synthetic_item(fields), fields) == []
