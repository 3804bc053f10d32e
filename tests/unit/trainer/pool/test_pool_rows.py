"""Lines of an import: whatever they hold, each is an item or a named fault."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.pool.rows import ParsedLine, parse_csv, parse_ndjson
from shared.contracts.projects import Project
from tests.flags import FlagField, flags


def _project(**fields: Any) -> Project:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Project(
        project="toys",
        labels=["no", "yes"],
        fields=fields or {"text": {"type": "text"}},
        metadata=["channel"],
        revision=1,
        created_at=moment,
        updated_at=moment,
    )


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.binary())
def test_any_bytes_give_items_or_faults(body: bytes) -> None:
    for line in parse_ndjson(body, _project()):
        assert (line.item is None) != (line.fault is None)


@given(st.text(st.sampled_from("a\",\n\r '")))
def test_any_csv_comes_to_its_end(text: str) -> None:
    for line in parse_csv(f"text,channel\n{text}".encode(), _project()):
        assert (line.item is None) != (line.fault is None)


@given(st.lists(_TEXT, max_size=8))
def test_csv_gives_back_what_a_writer_wrote(texts: list[str]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["channel", "text"])
    writer.writerows([["web", text] for text in texts])
    lines = list(parse_csv(out.getvalue().encode(), _project()))
    assert [line.item and line.item.data for line in lines] == [{"text": text} for text in texts]


@given(_TEXT)
def test_json_lines_keep_every_character(text: str) -> None:
    (line,) = parse_ndjson(orjson.dumps({"data": {"text": text}}), _project())
    assert line.item is not None
    assert line.item.data == {"text": text}


def _parse(cell: str, **field: Any) -> ParsedLine:
    (line,) = parse_csv(f'x\n"{cell}"\n'.encode(), _project(x=field))
    return line


def test_cells_are_read_by_the_type_of_their_field() -> None:
    assert _parse("2.5", type="number").item is not None
    assert _parse("nan", type="number").fault is not None
    assert _parse("many", type="number").fault is not None
    vector = _parse("[1, 2.5]", type="vector", length=2)
    assert vector.item is not None
    assert vector.item.data == {"x": [1, 2.5]}
    assert _parse("[1]", type="vector", length=2).fault is not None
    assert _parse("blue", type="category", values=["red"]).fault is not None


def test_a_new_field_type_is_read_by_its_kind_of_column() -> None:
    with flags():
        table = b"item_id,gift\na,true\nb,FALSE\nc,maybe\n"
        lines = list(parse_csv(table, _project(gift=FlagField())))
    assert [line.item and line.item.data["gift"] for line in lines] == [True, False, None]
    assert lines[2].fault == "/data/gift: must be true or false"
