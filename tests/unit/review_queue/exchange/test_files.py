"""JSON lines and Parquet."""

import io
from typing import Any

import orjson
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from services.review_queue.exchange.formats import FORMATS, Format, jsonl
from services.review_queue.exchange.records import TaskRecord, UnreadableError
from shared.problems import Unprocessable
from tests.harness.cases import further
from tests.unit.review_queue.exchange.projects import TEXT, documents_of, project_of, record

FIELDS: dict[str, Any] = {
    "text": {"type": "text"},
    "score": {"type": "number"},
    "place": {"type": "vector", "length": 2},
    "more": {"type": "json"},
}
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
DATA = st.fixed_dictionaries(
    {
        "text": TEXT,
        "score": NUMBERS,
        "place": st.lists(NUMBERS, min_size=2, max_size=2),
        "more": JSON,
    }
)


def in_order(data: Any) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


ITEMS = st.lists(DATA | st.dictionaries(TEXT, JSON, max_size=3), min_size=1, max_size=4)
METADATA = st.dictionaries(st.sampled_from(["channel", "old", "a.b"]), TEXT)


@given(kind=st.sampled_from(sorted(FORMATS.keys() - {"parquet"})), items=ITEMS, metadata=METADATA)
def test_items_come_back_as_they_were(
    kind: Format, items: list[dict[str, Any]], metadata: dict[str, str]
) -> None:
    come_back(kind, items, metadata)


# Each file is read in a process of its own.
@pytest.mark.thorough
@settings(max_examples=10)
@given(
    items=st.lists(DATA | st.dictionaries(TEXT, JSON, max_size=3), min_size=10, max_size=20),
    metadata=METADATA,
)
def test_items_come_back_from_parquet_as_they_were(
    items: list[dict[str, Any]], metadata: dict[str, str]
) -> None:
    come_back("parquet", items, metadata)


def come_back(kind: Format, items: list[dict[str, Any]], metadata: dict[str, str]) -> None:
    """Also whole numbers in columns of floats, and fields that the project has no more."""
    project = project_of(**FIELDS)
    # In Label Studio's data these stand beside the fields, and are taken for what they are called.
    items = [{k: v for k, v in item.items() if k not in {"channel", "item_id"}} for item in items]
    records = [
        record(item_id=f"item {i}", data=data, metadata=metadata) for i, data in enumerate(items)
    ]
    writer = FORMATS[kind].write(project)
    content = writer.begin() + writer.records(records[:1]) + writer.records(records[1:])
    rows = documents_of(kind, content + writer.end(), project)
    assert [row.fault for row in rows] == [None] * len(items)
    for row, given_record in zip(rows, records, strict=True):
        assert row.document is not None
        # As JSON: 1 and 1.0 are not the same there.
        assert in_order(row.document["data"]) == in_order(given_record["data"])
        assert row.document["metadata"] == metadata
        read = TaskRecord.model_validate({**row.document})
        assert read == TaskRecord.model_validate(given_record)


def test_a_long_line_is_refused_without_having_been_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "LINE_BYTES", 64)
    long = b'{"item_id": "' + b"a" * 500 + b'"}\n'
    exact = b'{"a": "' + b"b" * (64 - 10) + b'"}\n'
    rows = documents_of("jsonl", exact + long + b'{"item_id": "b"}', project_of())
    assert [row.line for row in rows] == [1, 2, 3]
    assert rows[1].fault == "has more than 64 bytes"
    assert rows[0].document is not None
    assert rows[2].document == {"item_id": "b"}


def test_lines_that_are_none_are_named() -> None:
    content = b'\n{"a": NaN}\n[]\n{"a": "\\ud800"}\n\xff\n{}'
    rows = documents_of("jsonl", content, project_of())
    assert [(row.line, row.fault) for row in rows] == [
        (2, "/a: must be a finite number"),
        (3, "is not a JSON object"),
        (4, "/a: must not contain a lone surrogate"),
        (5, "is not JSON"),
        (6, None),
    ]


def parquet_of(**columns: list[Any]) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue()


def test_a_parquet_of_somebody_else_needs_few_columns() -> None:
    columns: dict[str, list[Any]] = {"item_id": ["a", "b"], "data.text": ["x", None]}
    content = parquet_of(**columns, label=["y", None])
    rows = documents_of("parquet", content, project_of())
    assert [row.document for row in rows] == [
        {"item_id": "a", "data": {"text": "x"}, "metadata": {}, "label": "y"},
        {"item_id": "b", "data": {}, "metadata": {}},
    ]


def test_columns_that_are_none_of_the_project_are_refused_at_once() -> None:
    with pytest.raises(Unprocessable) as refusal:
        documents_of("parquet", parquet_of(text=["x"]), project_of())
    assert [fault["pointer"] for fault in refusal.value.extensions["errors"]] == [
        "/columns/text",
        "/columns/item_id",
    ]
    twice = pyarrow.Table.from_arrays([["a"], ["x"], ["y"]], ["item_id", *["data.text"] * 2])
    sink = io.BytesIO()
    parquet.write_table(twice, sink)
    with pytest.raises(Unprocessable) as refusal:
        documents_of("parquet", sink.getvalue(), project_of())
    assert refusal.value.extensions["errors"] == [
        {"pointer": "/columns/data.text", "detail": "is there twice"}
    ]
    with pytest.raises(Unprocessable) as refusal:
        documents_of("csv", b"text,text\nx,x\n", project_of())
    assert len(refusal.value.extensions["errors"]) == 4


@pytest.mark.parametrize("cut", [100, *further(0, 4, -20, -4)])
def test_a_broken_parquet_cannot_be_read(cut: int) -> None:
    content = parquet_of(**{"item_id": ["a"], "data.text": ["x"]})
    with pytest.raises(UnreadableError):
        documents_of("parquet", content[:cut] + b"\0" * 20, project_of())
