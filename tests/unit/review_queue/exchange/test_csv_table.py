import csv
import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.exchange.formats import csv_table
from services.review_queue.exchange.formats.csv_table import CsvWriter
from services.review_queue.exchange.records import UnreadableError
from shared import csv_records
from shared.csv_records import guard, unguard
from tests.unit.review_queue.exchange.projects import TEXT, documents_of, project_of, record

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


@given(TEXT | st.text("'=+-@\t\r\n", max_size=5))
def test_a_guarded_cell_is_no_formula_and_can_be_told_again(cell: str) -> None:
    assert not guard(cell).startswith(FORMULAS)
    assert unguard(guard(cell)) == cell


def test_an_apostrophe_of_somebody_elses_file_stays() -> None:
    assert unguard("'tis fine") == "'tis fine"
    assert unguard("'") == "'"


@given(TEXT, TEXT)
def test_no_cell_of_an_export_is_a_formula(text: str, comment: str) -> None:
    project = project_of(text={"type": "text"}, score={"type": "number"})
    writer = CsvWriter(project)
    given_record = record(item_id="=1", data={"text": text, "score": -1}, comment=comment)
    content = writer.begin() + writer.records([given_record]) + writer.end()
    (row,) = csv.DictReader(io.StringIO(content.decode(), newline=""))
    # A number is a number, whatever its sign.
    assert orjson.loads(row.pop("data.score")) == -1
    assert not [cell for cell in row.values() if cell.startswith(FORMULAS)]


def test_a_row_that_is_none_spoils_no_other() -> None:
    project = project_of(text={"type": "text"}, more={"type": "json"})
    content = (
        b"item_id,data.text,data.more\r\n"
        b"a,fine,1\r\n"
        b"b,too,many,cells\r\n"
        b'"c"d,x,1\r\n'
        b"e,\xff,1\r\n"
        b"f,fine,{\r\n"
        b"\r\n"
        b'g,"two\r\nlines",null\r\n'
    )
    rows = documents_of("csv", content, project)
    assert [(row.line, row.fault) for row in rows if row.fault] == [
        (3, "has 4 columns, the header 3"),
        (4, "is not CSV: ',' expected after '\"'"),
        (5, "is not UTF-8"),
        (6, "/data.more: is not JSON"),
    ]
    good = [row.document["data"] for row in rows if row.document]
    assert good == [{"text": "fine", "more": 1}, {"text": "two\r\nlines", "more": None}]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("item_id,data.text\r\na,fine\r\n".encode("utf-16"), "It is UTF-16"),
        ("\ufeffitem_id\tdata.text\r\na\tü\r\n".encode("utf-16-be"), "It is UTF-16"),
        ("item_id,Prüfer\r\na,fine\r\n".encode("latin-1"), "The header is not UTF-8"),
        (b'"item_id,data.text\r\na,fine\r\n', "the header is not CSV"),
    ],
)
def test_a_header_that_cannot_be_read_is_named(content: bytes, fault: str) -> None:
    with pytest.raises(UnreadableError, match=fault):
        documents_of("csv", content, project_of())


def test_a_quote_that_is_never_closed_ends_the_file_there() -> None:
    content = b'item_id,data.text\na,fine\nb,"oh\n' + b"c,lost\n" * 100
    rows = csv_table.read(io.BufferedReader(io.BytesIO(content)), project_of())
    assert next(rows).document is not None
    with pytest.raises(UnreadableError, match=r"From line 3 on .* quote is not closed"):
        next(rows)


@pytest.mark.parametrize("record", ['a,"oh\n' + "b,lost\n" * 100 + 'c,"closed"\n', "a," + "x" * 99])
def test_a_record_past_the_limit_ends_the_file_there(
    record: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_records, "MAX_RECORD_CHARACTERS", 64)
    content = f"item_id,data.text\n{record}".encode()
    with pytest.raises(UnreadableError, match=r"From line 2 on .* more than 64 characters"):
        documents_of("csv", content, project_of())


def test_the_lines_that_a_stray_quote_takes_with_it_are_named() -> None:
    content = b'item_id,data.text\na,"oh\nb,lost\nc,"closed"\nd,fine\n'
    rows = documents_of("csv", content, project_of())
    assert [(row.line, row.fault) for row in rows] == [
        (4, "is not CSV, from line 2 on: ',' expected after '\"'"),
        (5, None),
    ]
