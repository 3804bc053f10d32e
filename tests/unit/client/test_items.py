"""Items in every form, written as predict takes them."""

import json
import uuid
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surehand.items import EncodedItem, Shape, batches, encode, is_whole, new_item_id, rows

TEXT = Shape(("text",), ("channel",))


def written(item: Any, shape: Shape | None = TEXT) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(encode(item, shape).text)
    return document


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"item_id": "a", "data": {"text": "x"}}, {"item_id": "a", "data": {"text": "x"}}),
        (
            {"item_id": 7, "text": "x", "channel": "web"},
            {"item_id": "7", "data": {"text": "x"}, "metadata": {"channel": "web"}},
        ),
        (
            {"item_id": "a", "text": "x", "other": 1},
            {"item_id": "a", "data": {"text": "x", "other": 1}},
        ),
    ],
)
def test_rows_and_whole_items(item: Any, expected: dict[str, Any]) -> None:
    assert written(item) == expected


def test_a_bare_value_is_that_of_the_only_field() -> None:
    assert written("x")["data"] == {"text": "x"}
    assert written(b"\x89PNG", Shape(("picture",)))["data"] == {"picture": "iVBORw=="}
    assert written(np.array([1.5, 2]), Shape(("v",)))["data"] == {"v": [1.5, 2.0]}
    with pytest.raises(TypeError, match="text, price"):
        encode("x", Shape(("text", "price")))


def test_fields_come_before_what_they_could_be_mistaken_for() -> None:
    shape = Shape(("item_id", "channel"), ("channel",))
    item = written({"item_id": "of the shop", "channel": "web"}, shape)
    assert item["data"] == {"item_id": "of the shop", "channel": "web"}
    assert item["item_id"] != "of the shop"
    assert not is_whole({"data": "text of a field that is called data"})


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode({"text": float("nan")}, TEXT)
    with pytest.raises(TypeError, match="object"):
        encode({"text": object()}, TEXT)
    with pytest.raises(TypeError, match="so must all"):
        encode("x", None)


@pytest.mark.parametrize("one", ["text", b"bytes", {"data": {"text": "x"}}])
def test_a_single_item_is_no_list(one: Any) -> None:
    with pytest.raises(TypeError, match="list of items"):
        list(rows(one))


def test_a_table_is_a_list_of_rows() -> None:
    table = pandas.DataFrame({"text": ["a", "b"], "price": [1, 2]})
    assert list(rows(table)) == [{"text": "a", "price": 1}, {"text": "b", "price": 2}]
    item = written(next(rows(table)), Shape(("text", "price")))
    assert item["data"] == {"text": "a", "price": 1}


@given(
    sizes=st.lists(st.integers(1, 50), max_size=30),
    most_items=st.integers(1, 7),
    most_bytes=st.integers(1, 120),
)
def test_batches_keep_order_and_limits(sizes: list[int], most_items: int, most_bytes: int) -> None:
    items = [EncodedItem(str(i), b"x" * size) for i, size in enumerate(sizes)]
    found = list(batches(items, most_items, most_bytes))
    assert [item for batch in found for item in batch] == items
    for batch in found:
        assert 1 <= len(batch) <= most_items
        assert len(batch) == 1 or len(b",".join(item.text for item in batch)) <= most_bytes


def test_ids_are_uuids_ordered_by_time() -> None:
    ids = [uuid.UUID(new_item_id()) for _ in range(50)]
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    assert len(set(ids)) == 50
    milliseconds = [one.int >> 80 for one in ids]
    assert milliseconds == sorted(milliseconds)
