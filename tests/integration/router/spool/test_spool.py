"""The spool: durable before it says so, one task an item, nothing lost by a restart."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.router.metrics import DEAD_LETTERS
from services.router.problems import SpoolFull, SpoolUnavailable
from services.router.spool.dead_letters import DEAD_LETTERS_FILE
from services.router.spool.entries import Entry
from services.router.spool.spool import Spool

SEGMENT = "*/[0-9]*.jsonl"


def entry(item_id: str, value: float = 1.0, lane: str = "mandatory") -> Entry:
    task: dict[str, Any] = {"item_id": item_id, "data": {"score": value}, "metadata": {}}
    return Entry.of("shop", {**task, "lane": lane})


@contextlib.asynccontextmanager
async def opened(root: Path, limit_bytes: int = 1024 * 1024) -> AsyncIterator[Spool]:
    spool = Spool(root, limit_bytes=limit_bytes)
    await spool.open()
    try:
        yield spool
    finally:
        await spool.close()


def only(root: Path, pattern: str) -> Path:
    (path,) = root.glob(pattern)
    return path


def dead_letters(root: Path) -> list[str]:
    files = root.glob(f"*/{DEAD_LETTERS_FILE}")
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    return [orjson.loads(line)["cause"] for line in lines]


def lines_on_disk(root: Path) -> list[str]:
    lines = [one for path in sorted(root.glob(SEGMENT)) for one in path.read_bytes().splitlines()]
    return [orjson.loads(line)["task"]["item_id"] for line in lines]


def bytes_on_disk(root: Path) -> int:
    return sum(path.stat().st_size for path in root.glob(SEGMENT))


async def drain(spool: Spool) -> list[str]:
    drained: list[str] = []
    while (path := await spool.oldest()) is not None:
        entries = await spool.read(path)
        drained += [one.item_id for one in entries]
        await spool.discard(path, entries)
    return drained


async def test_appended_entries_are_on_disk(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append([entry("a"), entry("b")])
        assert lines_on_disk(tmp_path) == ["a", "b"]
        assert spool.depth == 2
        assert spool.held(entry("a").task_id)


async def test_the_same_item_is_written_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await asyncio.gather(*(spool.append([entry("a")]) for _ in range(20)))
        await spool.append([entry("a"), entry("b")])
        assert sorted(lines_on_disk(tmp_path)) == ["a", "b"]


async def test_other_data_under_a_held_id_conflicts(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append([entry("a", 1.0)])
        assert spool.conflicts(entry("a", 2.0))
        assert not spool.conflicts(entry("a", 1.0))
        assert not spool.conflicts(entry("b", 2.0))


async def test_a_change_of_lane_is_kept_behind_the_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append([entry("a")])
        await spool.append([entry("a", lane="audit")])
        assert spool.depth == 1
        assert await drain(spool) == ["a", "a"]
        assert spool.depth == 0


async def test_concurrent_appends_are_drained_each_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await asyncio.gather(*(spool.append([entry(str(n))]) for n in range(200)))
        assert await drain(spool) == [str(n) for n in range(200)]
        assert not spool.held(entry("7").task_id)
        assert lines_on_disk(tmp_path) == []


async def test_a_restart_finds_what_was_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append([entry("a", 1.0), entry("b")])
    async with opened(tmp_path) as spool:
        assert spool.held(entry("a").task_id)
        assert spool.conflicts(entry("a", 2.0))
        await spool.append([entry("c")])
        assert await drain(spool) == ["a", "b", "c"]


async def test_a_torn_line_is_a_dead_letter(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append([entry("a"), entry("b")])
        path = only(tmp_path, SEGMENT)
    os.truncate(path, path.stat().st_size - 10)
    async with opened(tmp_path) as spool:
        assert await drain(spool) == ["a"]
        assert dead_letters(tmp_path) == ["torn"]


async def test_a_flipped_bit_makes_a_dead_letter_and_blocks_nothing(tmp_path: Path) -> None:
    before = DEAD_LETTERS._value.get()
    async with opened(tmp_path) as spool:
        await spool.append([entry("a"), entry("b"), entry("c")])
        path = only(tmp_path, SEGMENT)
    # Still JSON, of another score.
    path.write_bytes(
        path.read_bytes().replace(b'"b","data":{"score":1.0', b'"b","data":{"score":9.0')
    )
    async with opened(tmp_path) as spool:
        assert spool.depth == 2
        assert await drain(spool) == ["a", "c"]
        assert lines_on_disk(tmp_path) == []
    assert dead_letters(tmp_path) == ["damaged"]
    assert DEAD_LETTERS._value.get() == before + 1


async def test_a_damaged_line_is_one_dead_letter_though_the_queue_is_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append([entry("a")])
        path = only(tmp_path, SEGMENT)
    path.write_bytes(b"\xff\x00 not json\n" + path.read_bytes())
    async with opened(tmp_path) as spool:
        # Read again and again, and never taken.
        for _ in range(3):
            assert [one.item_id for one in await spool.read(path)] == ["a"]
        assert await drain(spool) == ["a"]
    assert dead_letters(tmp_path) == ["unreadable"]


async def test_lines_of_the_release_before_have_no_checksum_and_are_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append([entry("new")])
        path = only(tmp_path, SEGMENT)
    record = {"project": "shop", "task": orjson.Fragment(entry("old").body)}
    path.write_bytes(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) + path.read_bytes())
    async with opened(tmp_path) as spool:
        assert await drain(spool) == ["old", "new"]


async def test_leftovers_of_a_dead_process_are_adopted(tmp_path: Path) -> None:
    async with opened(tmp_path) as mine:
        async with opened(tmp_path) as other:
            await other.append([entry("theirs")])
            await mine.append([entry("ours")])
            await mine.adopt()
            assert not mine.held(entry("theirs").task_id)
        await mine.adopt()
        assert mine.held(entry("theirs").task_id)
        assert await drain(mine) == ["ours", "theirs"]


async def test_a_disk_that_refuses_promises_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        folder = only(tmp_path, "[0-9]")
        shutil.rmtree(folder)
        with pytest.raises(SpoolUnavailable):
            await spool.append([entry("a")])
        assert spool.depth == 0
        assert not spool.held(entry("a").task_id)
        folder.mkdir()
        await spool.append([entry("a")])
        assert lines_on_disk(tmp_path) == ["a"]


async def test_a_failed_append_keeps_what_was_durable_before(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append([entry("a")])
        folder = only(tmp_path, "[0-9]")
        await spool.oldest()
        aside = folder.rename(tmp_path / "aside")
        with pytest.raises(SpoolUnavailable):
            await spool.append([entry("a", lane="audit")])
        assert spool.held(entry("a").task_id)
        aside.rename(folder)
        assert await drain(spool) == ["a"]


async def test_a_cancelled_append_does_not_disturb_its_neighbours(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        cancelled = asyncio.create_task(spool.append([entry("a")]))
        neighbour = asyncio.create_task(spool.append([entry("b")]))
        await asyncio.sleep(0)
        cancelled.cancel()
        await neighbour
        assert lines_on_disk(tmp_path) == ["a", "b"]


async def test_a_full_spool_refuses_what_is_new_until_it_is_drained(tmp_path: Path) -> None:
    long = "x" * 400
    async with opened(tmp_path, limit_bytes=1000) as spool:
        await spool.append([entry(long + "a")])
        with pytest.raises(SpoolFull):
            await spool.append([entry(long + "b"), entry(long + "c")])
        await spool.append([entry(long + "a")])
        assert lines_on_disk(tmp_path) == [long + "a"]
    async with opened(tmp_path, limit_bytes=1000) as spool:
        await spool.append([entry("d")])
        with pytest.raises(SpoolFull):
            await spool.append([entry(long + "b")])
        assert await drain(spool) == [long + "a", "d"]
        await spool.append([entry(long + "b")])


async def test_concurrent_appends_do_not_pass_the_limit_together(tmp_path: Path) -> None:
    async with opened(tmp_path, limit_bytes=10_000) as spool:
        appends = (spool.append([entry(f"{n:0200}")]) for n in range(200))
        done = await asyncio.gather(*appends, return_exceptions=True)
        kept = sum(one is None for one in done)
        assert len(lines_on_disk(tmp_path)) == kept
        assert 0 < kept < 50
        assert bytes_on_disk(tmp_path) < 13_000


async def test_what_dead_processes_left_counts_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as dead:
        await dead.append([entry("a" * 200)])
    (tmp_path / "0").rename(tmp_path / "1")
    async with opened(tmp_path, limit_bytes=400) as spool:
        await spool.adopt()
        with pytest.raises(SpoolFull):
            await spool.append([entry("b" * 200)])
