"""The check of an item's data against a project's fields."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contracts.items import check_data, check_metadata
from shared.fields.category import CategoryField
from shared.fields.image import ImageField
from shared.fields.json import JsonField
from shared.fields.number import NumberField
from shared.fields.text import TextField
from shared.fields.types import AnyField
from shared.fields.vector import VectorField

FIELDS = {
    "text": TextField(max_length=5),
    "score": NumberField(),
    "kind": CategoryField(values=["a", "b"]),
    "point": VectorField(length=2),
    "raw": JsonField(),
    "photo": ImageField(),
}
GOOD: dict[str, Any] = {
    "text": "hello",
    "score": 1,
    "kind": "a",
    "point": [0.5, 1],
    "raw": {"any": ["thing", None]},
    "photo": "aGVsbG8=",
}


def test_good_data_has_no_fault() -> None:
    assert check_data(GOOD, FIELDS) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", 5),
        ("text", "longer than five"),
        ("text", "a\x00b"),
        ("text", None),
        ("score", "1"),
        ("score", True),
        ("score", float("nan")),
        ("score", float("inf")),
        ("kind", "c"),
        ("kind", ["a"]),
        ("point", [1.0]),
        ("point", [1.0, "2"]),
        ("point", [1.0, float("nan")]),
        ("point", 3),
        ("raw", {"deep": [float("inf")]}),
        ("raw", ["nul\x00"]),
        ("photo", "not base64!"),
        ("photo", ""),
        ("photo", 7),
    ],
)
def test_each_fault_is_at_its_pointer(name: str, value: object) -> None:
    faults = check_data({**GOOD, name: value}, FIELDS, "/items/3/data")
    assert [pointer for pointer, _ in faults] == [f"/items/3/data/{name}"]


def test_missing_and_extra_fields_are_named() -> None:
    data = {key: value for key, value in GOOD.items() if key != "kind"} | {"a/b": 1}
    assert dict(check_data(data, FIELDS)) == {
        "/data/kind": "is missing",
        "/data/a~1b": "is not a field of this project",
    }


@given(st.text(max_size=5).filter(lambda text: "\x00" not in text))
def test_any_short_text_is_accepted(text: str) -> None:
    assert check_data({**GOOD, "text": text}, FIELDS) == []


def test_undeclared_metadata_is_named() -> None:
    assert check_metadata({"channel": "web", "other": "x"}, ["channel"]) == [
        ("/metadata/other", "is not a metadata key of this project")
    ]


@pytest.mark.parametrize(
    "wrong", [{"type": "category"}, {"type": "text", "values": ["a"]}, {"type": "vector"}]
)
def test_field_without_what_it_needs_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="belong"):
        TypeAdapter(AnyField).validate_python(wrong)


def test_optional_values_may_be_null_or_left_out() -> None:
    fields = {
        "size": NumberField(optional=True),
        "colour": CategoryField(values=["red"], optional=True),
        "year": NumberField(),
    }
    assert check_data({"size": None, "colour": None, "year": 1}, fields) == []
    assert check_data({"year": 1}, fields) == []
    assert check_data({"size": "no", "colour": "blue", "year": None}, fields) == [
        ("/data/size", "must be a finite number"),
        ("/data/colour", "must be one of the field's values"),
        ("/data/year", "must be a finite number"),
    ]
    assert "optional" not in NumberField().model_dump()
    with pytest.raises(ValidationError, match="only a number or a category"):
        TextField(optional=True)
