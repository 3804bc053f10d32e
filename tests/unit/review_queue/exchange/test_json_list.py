"""A JSON list is cut at its entries, whatever they hold and however its bytes come."""

import contextlib
import io
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.exchange.formats import json_list
from services.review_queue.exchange.records import UnreadableError

TEXT = st.text('a"\\[]{},: \n\u00e9', max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class Trickle(io.BytesIO):
    """A file that gives a few bytes at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(3)


def entries_of(text: bytes) -> list[Any]:
    file: Any = Trickle(text)
    return [orjson.loads(entry) for entry in json_list.entries(file)]


@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1]))
def test_the_entries_are_those_that_a_parser_finds(values: list[Any], indent: int | None) -> None:
    assert entries_of(f" {json.dumps(values, indent=indent)}\n".encode()) == values


@pytest.mark.parametrize(
    "text",
    ["", "{}", "1", "[", "[1", "[{}", "[{},", "[{},]", "[{} {}]", "[{}]]", "[{}] x", "[,{}]"],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        entries_of(text.encode())


@given(st.text('a"\\[]{},', max_size=12))
def test_any_text_is_a_list_or_refused(text: str) -> None:
    with contextlib.suppress(UnreadableError, orjson.JSONDecodeError):
        assert entries_of(text.encode()) == json.loads(text)


def test_an_entry_that_never_ends_is_given_up_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_list, "LINE_BYTES", 1000)
    file: Any = io.BytesIO(b'[{"a":"' + b"x" * 10_000_000)
    with pytest.raises(UnreadableError, match="Task 1 has more than 1000 bytes"):
        next(json_list.entries(file))
    assert file.tell() < 200_000
