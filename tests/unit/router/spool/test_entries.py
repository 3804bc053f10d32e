"""Tasks on their way: what one request may hold."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.spool.entries import BATCH_BYTES, Entry, batch_body, batches


def entry(item_id: str, project: str = "shop", data: Any = None, lane: str = "mandatory") -> Entry:
    return Entry.of(project, {"item_id": item_id, "data": data or {}, "metadata": {}, "lane": lane})


def test_a_line_gives_back_the_entry() -> None:
    before = entry("ä/1", data={"text": 'line\nbreak "quoted"'})
    assert before.line().count(b"\n") == 1
    assert Entry.from_line(before.line()) == before


def test_no_flipped_bit_of_a_line_goes_unnoticed() -> None:
    line = entry("a", data={"n": 7}).line()
    for place in range(8 * len(line)):
        flipped = bytearray(line)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(ValueError, match=r"^(torn|damaged|unreadable)$"):
            Entry.from_line(bytes(flipped))


def test_no_torn_line_goes_unnoticed() -> None:
    line = entry("a", data={"n": 7}).line()
    for length in range(len(line) - 1):
        for torn in (line[:length], line[:length] + b"\n"):
            with pytest.raises(ValueError, match=r"^(torn|damaged|unreadable)$"):
                Entry.from_line(torn)


def test_the_release_before_reads_a_line_and_its_lines_are_read() -> None:
    made = entry("a", data={"text": ',"crc32":12}'})
    record = orjson.loads(made.line())
    assert Entry.of(record["project"], record["task"]) == made
    without = orjson.dumps({"project": "shop", "task": orjson.Fragment(made.body)})
    assert Entry.from_line(without + b"\n") == made


@pytest.mark.parametrize("line", [b"[]", b"7", b'{"project":"a","task":[]}', b'{"task":{}}', b"\0"])
def test_a_line_that_is_something_else_is_said_to_be(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(damaged|unreadable)$"):
        Entry.from_line(line + b"\n")


def test_the_digest_stands_for_the_data_whatever_the_order_of_its_keys() -> None:
    one = entry("a", data={"x": 1, "y": 2})
    assert one.digest == entry("a", data={"y": 2, "x": 1}, lane="audit").digest
    assert one.digest != entry("a", data={"x": 1, "y": 3}).digest


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["shop", "news"])), max_size=30)
)
def test_batches_keep_the_order_and_are_of_one_project_without_repeats(
    named: list[tuple[str, str]],
) -> None:
    entries = [entry(item_id, project) for item_id, project in named]
    made = list(batches(entries))
    assert [e for batch in made for e in batch] == entries
    for batch in made:
        assert len({e.project for e in batch}) == 1
        assert len({e.task_id for e in batch}) == len(batch)


def test_batches_are_bounded_in_number_and_bytes() -> None:
    assert [len(b) for b in batches([entry(str(n)) for n in range(2500)])] == [1000, 1000, 500]
    large = [entry(str(n), data={"text": "x" * (BATCH_BYTES // 2)}) for n in range(3)]
    assert [len(b) for b in batches(large)] == [1, 1, 1]


def test_the_body_is_the_batch_as_json() -> None:
    body = orjson.loads(batch_body([entry("a"), entry("b")]))
    assert [task["item_id"] for task in body["tasks"]] == ["a", "b"]
