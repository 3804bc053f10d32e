"""The decision log: on this disk before the answer, in the store soon after, lost by nothing."""

import asyncio
import contextlib
import gzip
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.router.decision_log import shipping
from services.router.decision_log.segments import (
    SEGMENT_BYTES,
    HeldRows,
    LogSegments,
    packed,
    place_of,
)
from services.router.decision_log.shipping import DECISIONS, RowLog
from shared.contracts.base import utc_now
from shared.contracts.decisions import DecisionRow
from shared.store import Store, decisions_prefix
from tests.harness import wait_until
from tests.harness.model_publisher import SURE, UNSURE
from tests.integration.router.conftest import ServedRouter, store_away

NOW = datetime(2026, 11, 24, 23, 59, tzinfo=UTC)
# Appends rows in a process of its own, then waits to be killed.
WRITE = """
import sys, time
from datetime import datetime, UTC
from pathlib import Path
from services.router.decision_log.shipping import DECISIONS
from services.router.decision_log.segments import LogSegments
from services.router.disk import Slot
segments = LogSegments(Slot.take(Path(sys.argv[1])).folder, lambda: datetime.now(UTC))
for n in range(10):
    segments.append("shop", b'{"n":%d}\\n' % n)
print("written", flush=True)
time.sleep(60)
"""


@contextlib.asynccontextmanager
async def logging(
    home: Path, store: Store, retention: Mapping[str, float] | None = None
) -> AsyncIterator[RowLog]:
    log = RowLog(
        DECISIONS, home / "decisions", store, now=utc_now, retention=lambda: retention or {}
    )
    async with log.running():
        yield log


async def rows(store: Store, project: str = "shop") -> list[dict[str, Any]]:
    found = []
    for path in await store.files(f"{project}/decisions"):
        body = await store.read(path)
        assert body is not None
        found += [orjson.loads(line) for line in gzip.decompress(body).splitlines()]
    return found


def local_segments(home: Path) -> list[Path]:
    return list((home / "decisions").glob("*/*.jsonl"))


async def test_each_decision_becomes_a_row_in_the_store(served: ServedRouter) -> None:
    item = {"item_id": "a", "data": {"score": SURE}, "metadata": {"channel": "web"}}
    answer = (await served.predict(item, {"item_id": "b", "data": {"score": UNSURE}})).json()
    store = served.publisher.store

    async def shipped() -> bool:
        return len(await rows(store)) == 2

    await wait_until(shipped)
    parsed = [DecisionRow.model_validate_json(orjson.dumps(row)) for row in await rows(store)]
    assert [row.item_id for row in parsed] == ["a", "b"]
    assert (parsed[0].data, parsed[0].metadata) == ({"score": SURE}, {"channel": "web"})
    assert parsed[0].review == "auto"
    assert parsed[0].received_at <= parsed[0].decided_at
    for row, prediction in zip(await rows(store), answer["predictions"], strict=True):
        assert prediction.items() <= row.items()
    (path,) = await store.files("shop/decisions")
    assert path.startswith(f"shop/decisions/{parsed[0].received_at:%Y-%m-%d}/")
    assert path.endswith(".jsonl.gz")
    assert await served.metric("surehand_router_decision_log_shipped_bytes_total") > 0

    async def no_lag() -> bool:
        return await served.metric("surehand_router_decision_log_lag_seconds") == 0

    await wait_until(no_lag)


async def test_a_refused_call_leaves_no_row(served: ServedRouter) -> None:
    served.queue.status["a"] = {"status": "conflict"}
    assert (await served.predict({"item_id": "a", "data": {"score": UNSURE}})).status_code == 409
    assert local_segments(served.home) == []


async def test_segments_are_shipped_in_order_and_never_share_a_name(tmp_path: Path) -> None:
    store = Store((tmp_path / "store").as_uri())
    for n in range(3):
        async with logging(tmp_path, store) as log:
            log.append("shop", b'{"n":%d}\n' % n)
    assert [row["n"] for row in await rows(store)] == [0, 1, 2]
    assert len(await store.files("shop/decisions")) == 3
    assert local_segments(tmp_path) == []


async def test_a_full_segment_is_shipped_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "_SHIP_SECONDS", 600.0)
    store = Store((tmp_path / "store").as_uri())
    async with logging(tmp_path, store) as log:
        await wait_until((tmp_path / "decisions" / "0").is_dir)
        log.append("shop", b'{"n":"%s"}\n' % (b"x" * SEGMENT_BYTES))

        async def shipped() -> bool:
            return len(await rows(store)) == 1

        await wait_until(shipped)


async def test_rows_survive_sigkill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE, str(tmp_path / "decisions")]

    def write_and_die() -> None:
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"written\n"
            process.kill()
            process.wait(timeout=60)

    await asyncio.to_thread(write_and_die)
    (left,) = local_segments(tmp_path)
    with left.open("ab") as file:
        file.write(b'{"torn":')
    store = Store((tmp_path / "store").as_uri())
    async with logging(tmp_path, store):
        await wait_until(lambda: not local_segments(tmp_path))
    assert [row["n"] for row in await rows(store)] == list(range(10))


async def test_leftovers_of_another_dead_process_are_shipped_too(tmp_path: Path) -> None:
    store = Store((tmp_path / "store").as_uri())
    folder = tmp_path / "decisions" / "7"
    folder.mkdir(parents=True)
    LogSegments(folder, utc_now).append("shop", b'{"n":1}\n')
    async with logging(tmp_path, store):
        await wait_until(lambda: not local_segments(tmp_path))
    assert [row["n"] for row in await rows(store)] == [1]


async def test_the_lag_is_the_age_of_the_oldest_row_that_waits(tmp_path: Path) -> None:
    store = Store((tmp_path / "store").as_uri())
    folder = tmp_path / "decisions" / "7"
    folder.mkdir(parents=True)
    LogSegments(folder, utc_now).append("shop", b'{"n":1}\n')
    (left,) = local_segments(tmp_path)
    os.utime(left, (left.stat().st_mtime - 100,) * 2)
    with store_away(tmp_path):
        async with logging(tmp_path, store) as log:
            await wait_until(lambda: log.lag_seconds >= 100)
    async with logging(tmp_path, store) as log:
        await wait_until(lambda: not local_segments(tmp_path))
        await wait_until(lambda: log.lag_seconds == 0)
        log.append("shop", b'{"n":"%s"}\n' % (b"x" * SEGMENT_BYTES))
        # It is written in the next turn of the loop, and shipped in a later one.
        await asyncio.sleep(0)
        while log.lag_seconds == 0:  # until the clock has ticked
            continue
        assert log.lag_seconds < 100
        await wait_until(lambda: log.lag_seconds == 0)


async def test_while_the_store_is_away_rows_are_kept(tmp_path: Path) -> None:
    store = Store((tmp_path / "store").as_uri())
    with store_away(tmp_path):
        async with logging(tmp_path, store) as log:
            log.append("shop", b'{"n":1}\n')
        assert len(local_segments(tmp_path)) == 1
    async with logging(tmp_path, store):
        await wait_until(lambda: not local_segments(tmp_path))
    assert [row["n"] for row in await rows(store)] == [1]


async def test_old_days_are_removed_and_others_are_kept(tmp_path: Path) -> None:
    store = Store((tmp_path / "store").as_uri())
    ages = {name: utc_now() - timedelta(days=days) for name, days in (("old", 9), ("new", 3))}
    for project in ("shop", "news"):
        for name, day in ages.items():
            await store.write(f"{project}/decisions/{day:%Y-%m-%d}/{name}-1.jsonl.gz", b"")
    async with logging(tmp_path, store, {"shop": 7.0}):

        async def expired() -> bool:
            return len(await store.files("shop/decisions")) == 1

        await wait_until(expired)
    assert (await store.files("shop/decisions"))[0].endswith("new-1.jsonl.gz")
    assert len(await store.files("news/decisions")) == 2


def test_a_new_day_begins_a_new_segment(tmp_path: Path) -> None:
    clock = [NOW]
    segments = LogSegments(tmp_path, lambda: clock[0])
    segments.append("shop", b"1\n")
    clock[0] += timedelta(minutes=2)
    segments.append("shop", b"2\n")
    segments.append("news", b"3\n")
    segments.seal()
    days = [place_of(path, decisions_prefix)[1].rsplit("/", 1)[0] for path in segments.sealed()]
    assert days == [
        "shop/decisions/2026-11-24",
        "shop/decisions/2026-11-25",
        "news/decisions/2026-11-25",
    ]


def test_the_same_segment_is_packed_to_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "shop@2026-11-24@r-1.jsonl"
    path.write_bytes(b'{"n":1}\n{"torn')
    assert packed(path) == packed(path)
    assert gzip.decompress(packed(path)) == b'{"n":1}\n'


async def test_a_disk_that_refuses_costs_no_rows_and_no_answer(served: ServedRouter) -> None:
    served.lose_decisions()
    assert (await served.one(SURE))["decision"] == "answered"
    assert await served.metric("surehand_router_decision_log_lost_total") == 0

    async def shipped() -> bool:
        return len(await rows(served.publisher.store)) == 1

    await wait_until(shipped)


async def test_rows_that_neither_disk_nor_store_takes_are_held_until_one_does(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    store = Store((tmp_path / "store").resolve().as_uri())
    async with logging(home, store) as log, log_limited(home, tmp_path / "store"):
        log.append("shop", b'{"n":1}\n')
        log.append("shop", b'{"n":2}\n')
        await wait_until(lambda: log.loop.fault is not None)
        assert log.fault is not None
        assert "16 bytes in memory" in log.fault
    assert [row["n"] for row in await rows(store)] == [1, 2]


@contextlib.asynccontextmanager
async def log_limited(home: Path, store: Path) -> AsyncIterator[None]:
    """Put files in the place of the log's folder and of the store's, and take them away again."""
    slot = home / "decisions" / "0"
    for folder in (slot, store):
        folder.rename(folder.with_suffix(".aside"))
        folder.write_bytes(b"")
    try:
        yield
    finally:
        for folder in (slot, store):
            folder.unlink()
            folder.with_suffix(".aside").rename(folder)


def test_a_write_that_fails_half_way_leaves_no_row_of_its_call(tmp_path: Path) -> None:
    segments = LogSegments(tmp_path, lambda: NOW)
    segments.append("shop", b'{"n":1}\n')
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            segments.append("shop", b'{"n":2}\n{"n":3}\n')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    segments.append("shop", b'{"n":4}\n')
    segments.seal()
    assert [path.read_bytes() for path in segments.sealed()] == [b'{"n":1}\n', b'{"n":4}\n']


def test_held_rows_are_bounded() -> None:
    held = HeldRows(limit_bytes=10)
    assert held.add("shop", b"12345678", lambda _: Path("a"))
    assert not held.add("shop", b"90\n", lambda _: Path("b"))
    (segment,) = held.sealed()
    held.release(segment)
    assert held.add("shop", b"90\n", lambda _: Path("b"))
    assert held.size == 3
