"""CSV records come out as a writer wrote them, and neither a header nor a record is unbounded."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import csv_records
from shared.csv_records import MAX_COLUMNS, CsvReader, CsvUnreadableError, column_faults

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


def reader_of(text: str) -> CsvReader:
    return CsvReader(io.StringIO(text, newline=""))


class Endless(io.TextIOBase):
    """A quote that is never closed; the characters that are read are counted."""

    def __init__(self) -> None:
        self.read_characters = 0

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        line = "x\n" if self.read_characters else '"\n'
        self.read_characters += len(line[:size])
        return line[:size]


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5))
def test_records_come_back_as_a_writer_wrote_them(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    reader = reader_of(out.getvalue())
    assert reader.header == ["a", "b"]
    assert [list(record.cells) for record in reader] == rows


def test_a_header_without_end_is_read_up_to_its_limit() -> None:
    text = Endless()
    with pytest.raises(CsvUnreadableError, match="the header has more than 65536 characters"):
        CsvReader(text)
    assert text.read_characters <= csv_records.MAX_HEADER_CHARACTERS + 1


@pytest.mark.parametrize("record", ['"' + "x\n" * 10_000, "x" * 10_000])
def test_a_record_without_end_is_read_up_to_its_limit(
    record: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_records, "MAX_RECORD_CHARACTERS", 1000)
    records = iter(reader_of("a,b\n1,2\n" + record))
    assert next(records).cells == ["1", "2"]
    with pytest.raises(CsvUnreadableError, match="a record has more than 1000") as broken:
        next(records)
    assert broken.value.line == 3


def test_so_many_columns_are_one_fault() -> None:
    names = [f"c{i}" for i in range(MAX_COLUMNS)]
    assert len(column_faults(names, {"a"}, ["a"], "header")) == MAX_COLUMNS + 1
    assert column_faults([*names, "a"], {"a"}, ["a"], "header") == [
        ("/header", "has 1001 columns; the most is 1000")
    ]


def test_the_name_of_a_column_is_escaped_in_its_pointer() -> None:
    assert column_faults(["a/b", "x", "x"], {"x"}, ["y"], "header") == [
        ("/header/a~1b", "is not a column of this project"),
        ("/header/x", "is there twice"),
        ("/header/y", "is missing"),
    ]
