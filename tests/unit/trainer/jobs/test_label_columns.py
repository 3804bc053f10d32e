"""The columns of an export of labels."""

import io
from typing import Any

import pytest
from pyarrow import parquet

from services.trainer.jobs.labels.columns import LabelColumns
from services.trainer.jobs.labels.messages import LabelRow
from shared.contracts.projects import Project
from shared.parquet import writing
from tests.harness.trainer_parts import make_project

FIELDS: dict[str, Any] = {
    "label": {"type": "text"},
    "data": {"type": "number"},
    "points": {"type": "vector", "length": 2},
    "extra": {"type": "json"},
}


def project() -> Project:
    return make_project(fields=FIELDS, metadata=["lang"])


def row(data: dict[str, Any], item_id: str = "a") -> LabelRow:
    return LabelRow.model_validate(
        {
            "item_id": item_id,
            "label": "positive",
            "source": "human",
            "confidence": 0.5,
            "model_version": "v1",
            "verdicts": 1,
            "revision": 1,
            "lane": "mandatory",
            "certificate": None,
            "labelled_at": "2026-01-02T03:04:05Z",
            "data": data,
            "metadata": {"lang": "de"},
        }
    )


def test_no_two_columns_have_one_name() -> None:
    columns = LabelColumns(project())
    assert len(set(columns.names)) == len(columns.names)
    cells = columns.cells(row({"label": "sticker", "data": 3, "points": [1, 2], "extra": None}))
    assert (cells["label"], cells["data.label"], cells["data.data"]) == ("positive", "sticker", 3)
    assert cells["metadata.lang"] == "de"


def test_values_are_of_their_columns_types() -> None:
    large = 2**53 + 1
    item = {"label": "x", "data": large, "points": [1, 2.5], "extra": {"a": [1]}}
    typed = LabelColumns(project()).typed(row(item))
    assert typed.keys() == LabelColumns(project()).kinds.keys()
    assert (typed["data.data"], typed["points"]) == (float(large), [1.0, 2.5])
    assert (typed["extra"], typed["data"]) == ('{"a":[1]}', None)


@pytest.mark.parametrize(
    "item",
    [
        {"label": 3},
        {"data": "three"},
        {"data": True},
        {"points": [1, None]},
        {"points": "1 2"},
        {"of_before": "x"},
    ],
)
def test_an_item_that_the_columns_cannot_hold_is_kept_as_json(item: dict[str, Any]) -> None:
    typed = LabelColumns(project()).typed(row(item))
    assert typed["data"] is not None
    assert [typed[name] for name in ("data.label", "data.data", "points", "extra")] == [None] * 4


def test_rows_are_gathered_into_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_GROUP_ROWS", 10)
    columns = LabelColumns(project())
    writer, body = writing.RowGroups(columns.kinds), b""
    for start in range(0, 25, 5):
        rows = [row({"label": "x", "data": n}, str(n)) for n in range(start, start + 5)]
        body += writer.add([columns.typed(one) for one in rows])
    file = parquet.ParquetFile(io.BytesIO(body + writer.end()))
    groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert groups == [10, 10, 5]
    assert file.read()["data.data"].to_pylist() == [float(n) for n in range(25)]


def test_a_file_without_rows_has_its_columns() -> None:
    columns = LabelColumns(project())
    writer = writing.RowGroups(columns.kinds)
    assert parquet.read_table(io.BytesIO(writer.end())).column_names == list(columns.kinds)
