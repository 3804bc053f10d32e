"""Snapshots of any size are downloaded and compared in the same memory."""

import tracemalloc
from pathlib import Path

import pytest

from services.trainer.datasets.comparing import CHANGES_SHOWN, compare
from services.trainer.datasets.snapshot import (
    LabelledItem,
    canonical_lines,
    compress,
    read_stream,
)
from shared.store import Store

pytestmark = pytest.mark.thorough

ROWS, MOST_BYTES = 60_000, 6_000_000


def row(number: int, label: str) -> LabelledItem:
    data = {"text": f"{number} arrived in two days, and works as it should. " * 6}
    return LabelledItem(f"item-{number:08}", data, label, "pool", 1, 1.0, True, f"{number}")


async def test_a_comparison_holds_a_few_rows(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}")
    before = canonical_lines(row(number, "negative") for number in range(ROWS))
    after = canonical_lines(
        row(number, "positive" if number % 3 else "negative") for number in range(10, ROWS + 5)
    )
    assert len(before) > 3 * MOST_BYTES
    await store.write("before", compress(before))
    await store.write("after", compress(after))
    del before, after
    tracemalloc.start()
    try:
        streams = [await store.stream(path) for path in ("before", "after")]
        old, new = (read_stream(one) for one in streams if one is not None)
        found = await compare(("before", old), ("after", new))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.added, found.removed) == (5, 10)
    assert found.relabelled == sum(1 for number in range(10, ROWS) if number % 3)
    assert len(found.changes) == CHANGES_SHOWN
    assert peak < MOST_BYTES


async def test_a_large_file_is_written_in_parts_and_read_in_pieces(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}")
    assert await store.stream("none") is None
    piece, count = bytes(range(256)) * 4096, 40
    tracemalloc.start()
    try:
        async with store.writing("large") as write:
            for _ in range(count):
                await write(piece)
        pieces = await store.stream("large")
        assert pieces is not None
        assert sum([len(one) async for one in pieces]) == count * len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(piece)


async def test_a_file_whose_writing_fails_is_not_there(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}")

    async def tear() -> None:
        async with store.writing("torn") as write:
            await write(b"begun")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await tear()
    assert await store.files("") == []
