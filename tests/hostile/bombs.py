"""Small bodies that want to become large: made in code, each of a few megabytes at most."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

MILLION = 1_000_000
MB = 1_000_000

Body = Callable[[], bytes]


def lines_of(*texts: bytes) -> Body:
    """Give lines, the last of which is good."""
    return lambda: b"\n".join([*texts, b'{"item_id":"good","data":{"text":"fine"}}'])


def keys(prefix: bytes, number: int) -> bytes:
    """Give so many keys of an object."""
    return b",".join(b'"%b%d":1' % (prefix, i) for i in range(number))


def parquet_of(columns: dict[str, Any]) -> bytes:
    """Write one row group, with dictionaries and runs."""
    sink = io.BytesIO()
    table = pyarrow.table(columns)
    parquet.write_table(
        table, sink, compression="zstd", dictionary_pagesize_limit=2**30, row_group_size=len(table)
    )
    return sink.getvalue()


def _the_same(values: list[str], times: int) -> Any:
    """Give a column that says the first of `values` again and again."""
    indices = pyarrow.array(np.zeros(times, dtype=np.int32))
    return pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array(values))


def repeated_text(text: str = "data.text") -> bytes:
    """2.4 GB: 300 rows that all have the same text of 8 MB."""
    ids = [f"item-{i}" for i in range(300)]
    return parquet_of({"item_id": ids, text: _the_same(["x" * 8 * MB], 300)})


def long_list(text: str = "data.text") -> bytes:
    """4 GB in one row: a list of the same text of 1 MB."""
    values = _the_same(["x" * MB], 4000)
    column = pyarrow.ListArray.from_arrays(pyarrow.array([0, 4000], pyarrow.int32()), values)
    return parquet_of({"item_id": ["a"], text: column})


def many_rows() -> bytes:
    """Two million rows that say the same."""
    return parquet_of({"item_id": _the_same(["a"], 2 * MILLION)})


def inflated_page(text: str = "data.text") -> bytes:
    """A text of 20 MB in a page of 1 kB."""
    sink = io.BytesIO()
    table = pyarrow.table({"item_id": ["a"], text: pyarrow.array(["x" * 20 * MB])})
    parquet.write_table(table, sink, compression="zstd", use_dictionary=False)
    return sink.getvalue()


def many_columns(number: int) -> bytes:
    """Write a file of one row."""
    return parquet_of({f"c{i}": ["a"] for i in range(number)})


def csv_columns(number: int) -> Body:
    """Give a header of so many distinct names, and a row."""
    return lambda: ",".join(f"c{i}" for i in range(number)).encode() + b"\n1,2\n"


JSON_LINES: dict[str, Body] = {
    "open brackets": lines_of(b"[" * MILLION),
    "nested data": lines_of(b'{"item_id":"a","data":{"text":%b1%b}}' % (b"[" * 1000, b"]" * 1000)),
    "empty lists": lines_of(b'{"item_id":"a","data":{"text":[%b[]]}}' % (b"[]," * MILLION)),
    "long line": lambda: b'{"item_id":"a","data":{"text":"%b"}}' % (b"x" * 9 * MB),
    "huge exponent": lines_of(b'{"item_id":"a","data":{"text":1e999999}}'),
    "a million digits": lines_of(b'{"item_id":"a","data":{"text":%b}}' % (b"1" * MILLION)),
    "unknown keys": lines_of(b'{"item_id":"a",%b}' % keys(b"", 400_000)),
    "unknown fields": lines_of(b'{"item_id":"a","data":{%b}}' % keys(b"", 400_000)),
    "a long key": lines_of(*[b'{"%b":1}' % (b"k" * MB)] * 5),
    "one key again and again": lines_of(
        b'{%b"item_id":"a","data":{}}' % (b'"item_id":"b",' * 300_000)
    ),
    "lines that are none": lines_of(*[b"{"] * 30_000),
}
LABEL_STUDIO: dict[str, Body] = {
    "open brackets": lambda: b"[" * MILLION,
    "nested data": lambda: b'[{"id":1,"data":{"text":%b%b}}]' % (b"[" * MILLION, b"]" * MILLION),
    "a long task": lambda: b'[{"id":1,"data":{"text":"%b"}}]' % (b"x" * 10 * MB),
    "a quote that is not closed": lambda: b'[{"id":1,"data":{"text":"' + b'x\\"' * 4 * MB,
    "numbers": lambda: b"[" + b"1," * 100_000 + b"1]",
    "annotations": lambda: (
        b'[{"id":1,"data":{"text":"a"},"annotations":[%b{}]}]' % (b"{}," * MILLION)
    ),
}
CSV: dict[str, Body] = {
    "40,000 columns": csv_columns(40_000),
    "a million columns": csv_columns(MILLION),
    "the same column again and again": lambda: b"a," * 4 * MILLION + b"a\n1\n",
    "a long header": lambda: b"x" * 9 * MB + b"\n1\n",
    "a header of many lines": lambda: b'"' + b"x\n" * 4 * MILLION,
    "a row of many cells": lambda: b"item_id,data.text\n" + b"," * 8 * MB + b"\na,fine\n",
    "a record of many lines": lambda: b"item_id,data.text\n" + b'"\n",' * 4 * MILLION,
    "a cell of open brackets": lambda: b"item_id,data\na," + b"[" * MILLION + b"\n",
    "rows that are none": lambda: b"item_id,data.text\n" + b"1\n" * 100_000,
}
PARQUET: dict[str, Body] = {
    "a text in many rows": repeated_text,
    "a long list": long_list,
    "many rows": many_rows,
    "a page that inflates": inflated_page,
    "many columns": lambda: many_columns(2_000),
}

# A pool's columns are the fields themselves, and its bodies are held as a whole.
POOL_LINES: dict[str, Body] = {
    name: body for name, body in JSON_LINES.items() if name != "long line"
}
POOL_CSV: dict[str, Body] = {
    "40,000 columns": csv_columns(40_000),
    "a million columns": csv_columns(MILLION),
    "the same column again and again": lambda: b"a," * 2 * MILLION + b"a\n1\n",
    "a long header": lambda: b"x" * 7 * MB + b"\n1\n",
    "a header of many lines": lambda: b'"' + b"x\n" * 2 * MILLION,
    "a row of many cells": lambda: b"text\n" + b"," * 7 * MB + b"\nfine\n",
    "a record of many lines": lambda: b"text\n" + b'"\n",' * MILLION,
    "rows that are none": lambda: b"text\n" + b"1,2\n" * 100_000,
}
POOL_PARQUET: dict[str, Body] = {
    "a text in many rows": lambda: repeated_text("text"),
    "a long list": lambda: long_list("text"),
    "a page that inflates": lambda: inflated_page("text"),
    "many rows": lambda: parquet_of({"text": _the_same(["a"], 2 * MILLION)}),
    "many columns": lambda: many_columns(2_000),
}
