"""Items' data becomes the tensors that the manifest names, or the version is refused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.items import check_data
from shared.contracts.versions import ImageNormalisation, ModelInput
from shared.fields.category import CategoryField
from shared.fields.image import ImageField
from shared.fields.json import JsonField
from shared.fields.number import NumberField
from shared.fields.spec import Unscorable
from shared.fields.text import TextField
from shared.fields.vector import VectorField
from shared.graphs.tensors import Feeder, image_layouts, input_fault, runtime_fault
from shared.graphs.trial import made_up_items
from tests.pictures import encoded

FIELDS = {
    "text": TextField(max_length=4),
    "title": TextField(),
    "kind": CategoryField(values=["a", "b", "c"]),
    "price": NumberField(),
    "size": NumberField(),
    "vector": VectorField(length=3),
    "photo": ImageField(),
    "extra": JsonField(),
    "only": CategoryField(values=["a"]),
    "point": VectorField(length=1),
}
ITEM: dict[str, Any] = {
    "text": "é",
    "title": "T",
    "kind": "b",
    "price": 2,
    "size": 0.5,
    "vector": [1, 2, 3],
    "photo": encoded(size=(2, 2), colour=(255, 0, 51)),
    "extra": None,
    "only": "a",
    "point": [4],
}


def an_input(field: str | list[str], dtype: str, shape: list[int], **more: Any) -> ModelInput:
    return ModelInput(name="x", field=field, dtype=dtype, shape=shape, **more)


def fed(entry: ModelInput, items: Sequence[dict[str, Any]]) -> npt.NDArray[Any]:
    assert input_fault(entry, FIELDS) is None
    return Feeder([entry], FIELDS).feeds(items)["x"]


@pytest.mark.parametrize(
    ("entry", "dtype", "row"),
    [
        (an_input("text", "string", [-1, 1]), np.object_, ["é"]),
        (an_input("kind", "string", [-1, 1]), np.object_, ["b"]),
        (an_input(["title", "kind"], "string", [-1, 2]), np.object_, ["T", "b"]),
        (an_input("kind", "int64", [-1, 1]), np.int64, [1]),
        (an_input("kind", "float", [-1, 3]), np.float32, [0, 1, 0]),
        (an_input("kind", "float64", [-1, 3]), np.float64, [0, 1, 0]),
        (an_input("price", "float32", [-1, 1]), np.float32, [2]),
        (an_input("size", "double", [-1, 1]), np.float64, [0.5]),
        (an_input("price", "int64", [-1, 1]), np.int64, [2]),
        (an_input("vector", "float", [-1, 3]), np.float32, [1, 2, 3]),
        (an_input("vector", "double", [-1, 3]), np.float64, [1, 2, 3]),
        (an_input("vector", "int64", [-1, 3]), np.int64, [1, 2, 3]),
        (
            an_input(["size", "vector", "kind"], "float", [-1, 7]),
            np.float32,
            [0.5, 1, 2, 3, 0, 1, 0],
        ),
        (an_input(["price", "kind"], "int64", [-1, 2]), np.int64, [2, 1]),
        (an_input(["only", "point", "size"], "double", [-1, 3]), np.float64, [1, 4, 0.5]),
        (an_input("only", "float", [-1, 1]), np.float32, [1]),
        (an_input("point", "int64", [-1, 1]), np.int64, [4]),
    ],
)
def test_each_pair_of_types_has_its_encoding(
    entry: ModelInput, dtype: npt.DTypeLike, row: list[Any]
) -> None:
    made = fed(entry, [ITEM, ITEM])
    assert made.dtype == dtype
    assert made.tolist() == [row, row]


def test_a_tensor_has_the_shape_of_the_manifest() -> None:
    assert fed(an_input("kind", "string", [-1]), [ITEM]).shape == (1,)
    assert fed(an_input("vector", "float", [-1, 1, 3]), [ITEM] * 4).shape == (4, 1, 3)


def test_an_image_comes_in_the_layout_of_its_shape() -> None:
    first = fed(an_input("photo", "float", [-1, 3, 1, 2]), [ITEM])
    last = fed(an_input("photo", "uint8", [-1, 2, 2, 3]), [ITEM])
    np.testing.assert_allclose(first[0, :, 0, 0], [1.0, 0.0, 0.2], rtol=1e-6)
    assert last[0, 0, 0].tolist() == [255, 0, 51]
    grey = fed(an_input("photo", "uint8", [-1, 1, 2, 2]), [ITEM])
    assert grey.shape == (1, 1, 2, 2)


def test_an_image_is_normalised_as_the_manifest_says() -> None:
    by = ImageNormalisation(mean=[0.5, 0.5, 0.5], std=[0.5, 0.25, 1.0])
    made = fed(an_input("photo", "float", [-1, 2, 2, 3], image=by), [ITEM])
    np.testing.assert_allclose(made[0, 0, 0], [1.0, -2.0, -0.3], rtol=1e-6)


def test_layouts_of_an_image_field_are_those_of_its_inputs() -> None:
    inputs = [
        an_input("photo", "float", [-1, 3, 8, 9]),
        an_input("photo", "uint8", [-1, 4, 5, 1]),
        an_input("text", "string", [-1]),
    ]
    found = image_layouts(inputs, FIELDS)
    assert [(one.height, one.width, one.channels) for one in found["photo"]] == [
        (8, 9, 3),
        (4, 5, 1),
    ]
    assert list(found) == ["photo"]


@pytest.mark.parametrize(
    ("dtype", "field", "value"),
    [
        ("int64", "price", 2.5),
        ("int64", "price", 2.0**63),
        ("int64", "price", -(2.0**70)),
        ("int64", "vector", [1, 2, 0.25]),
        ("float", "photo", "https://example.org/a.png"),
        ("float", "photo", "http://localhost/a.png"),
        ("float", "photo", "aGVsbG8="),
    ],
)
def test_an_item_that_the_graph_cannot_take_is_unscorable(
    dtype: str, field: str, value: Any
) -> None:
    shape = {"price": [-1, 1], "vector": [-1, 3], "photo": [-1, 3, 2, 2]}[field]
    item = {**ITEM, field: value}
    assert check_data(item, FIELDS) == []
    feeder = Feeder([an_input(field, dtype, shape)], FIELDS)
    with pytest.raises(Unscorable):
        feeder.feeds([ITEM, item])
    assert feeder.takes(ITEM)
    assert not feeder.takes(item)


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_whole_number_of_64_bits_reaches_an_int64_input(number: int) -> None:
    made = fed(an_input("price", "int64", [-1]), [{**ITEM, "price": number}])
    assert made.tolist() == [number]


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e300)
@example(float(np.finfo(np.float32).max) * (1 + 2**-25))
def test_a_number_reaches_a_float_input_as_it_is_or_not_at_all(number: float) -> None:
    feeder = Feeder([an_input("price", "float", [-1])], FIELDS)
    item = {**ITEM, "price": number}
    if feeder.takes(item):
        (made,) = feeder.feeds([item])["x"].tolist()
        assert made == pytest.approx(number, rel=2**-24, abs=2**-150)
    else:
        # Infinite it would be another number, which a tree, say, has an answer to.
        assert abs(number) > float(np.finfo(np.float32).max)


NORMALISED = {"image": ImageNormalisation(mean=[0.5], std=[0.5])}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (an_input("text", "float", [-1, 1]), "cannot be fed from a text field"),
        (an_input("text", "string", [-1, 2]), "does not take 1 values"),
        (an_input("text", "string", [1, 1]), "must be -1"),
        (an_input("text", "string", []), "must be -1"),
        (an_input("price", "string", [-1, 1]), "cannot be fed"),
        (an_input("price", "float", [-1, -1]), "does not take"),
        (an_input("price", "float16", [-1, 1]), "dtype float16"),
        (an_input("kind", "float", [-1, 2]), "does not take 3 values"),
        (an_input("kind", "uint8", [-1, 1]), "cannot be fed"),
        (an_input("vector", "float", [-1, 4]), "does not take 3 values"),
        (an_input(["price", "vector"], "float", [-1, 3]), "does not take 4 values"),
        (an_input(["price", "text"], "float", [-1, 2]), "cannot be fed from a text field"),
        (an_input("photo", "string", [-1, 1]), "cannot be fed"),
        (an_input("photo", "double", [-1, 3, 2, 2]), "cannot be fed"),
        (an_input("photo", "float", [-1, 12]), "not [-1, C, H, W]"),
        (an_input("photo", "float", [-1, 4, 5, 6]), "1 or 3 channels"),
        (an_input("photo", "float", [-1, 3, 5, 4096]), "sides are of"),
        (an_input("photo", "float", [-1, 3, 0, 4]), "sides are of"),
        (an_input("photo", "float", [-1, 3, -1, 4]), "sides are of"),
        (an_input("photo", "float", [-1, 3, 4, 4], **NORMALISED), "mean and std"),
        (an_input("photo", "uint8", [-1, 1, 4, 4], **NORMALISED), "only float images"),
        (an_input("price", "float", [-1, 1], **NORMALISED), "no image field"),
        (an_input(["photo", "price"], "float", [-1, 13]), "beside another field"),
        (an_input("extra", "string", [-1, 1]), "cannot be fed from a json field"),
        (an_input("colour", "string", [-1, 1]), "which the project does not have"),
    ],
)
def test_an_input_that_no_field_can_feed_is_a_fault(entry: ModelInput, why: str) -> None:
    fault = input_fault(entry, FIELDS)
    assert fault is not None
    assert why in fault
    assert "input x" in fault


@pytest.mark.parametrize(
    ("kind", "shape", "why"),
    [
        ("tensor(float)", [None, 3], None),
        ("tensor(float)", ["batch", "width"], None),
        ("tensor(float)", [], None),
        ("tensor(double)", [None, 3], "tensor(double)"),
        (None, [], "no input x"),
        ("tensor(float)", [1, 3], "takes 1 items at a time"),
        ("tensor(float)", [None, 4], "has shape [None, 4] in the graph"),
        ("tensor(float)", [None, 3, 1], "in the manifest"),
        ("tensor(float)", [None], "in the manifest"),
    ],
)
def test_a_graph_that_differs_from_its_manifest_is_a_fault(
    kind: str | None, shape: list[Any], why: str | None
) -> None:
    fault = runtime_fault(an_input("vector", "float32", [-1, 3]), kind, shape)
    assert fault is None if why is None else fault is not None and why in fault


def test_made_up_items_pass_the_projects_own_check_and_can_be_fed() -> None:
    inputs = [
        an_input(["price", "kind", "vector"], "int64", [-1, 5]),
        an_input("photo", "float", [-1, 3, 4, 4]),
    ]
    items = made_up_items(FIELDS, inputs, 20)
    assert [check_data(item, FIELDS) for item in items] == [[]] * 20
    assert all(Feeder(inputs, FIELDS).takes(item) for item in items)
    assert items == made_up_items(FIELDS, inputs, 20)


def test_a_manifest_without_images_says_nothing_of_them() -> None:
    assert "image" not in an_input("text", "string", [-1]).model_dump()
    given = an_input("photo", "float", [-1, 1, 4, 4], **NORMALISED)
    assert ModelInput.model_validate_json(given.model_dump_json()) == given
