"""Checkpoints: what a process says of its decision log, and what it leaves behind."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.router.decision_log import checkpoints as checkpoints_module
from services.router.decision_log.checkpoints import Checkpoints
from services.router.decision_log.segments import LogSegments
from services.router.decision_log.shipping import DECISIONS, RowLog
from shared.checkpoints import ENTRY, WRITER, Acknowledged, acknowledged_path, is_acknowledged_path
from shared.contracts.base import utc_now
from shared.doorbells import Doorbells
from shared.store import Store, decisions_prefix
from shared.store_index import IndexWriter
from tests.harness import wait_until

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again after 100 ms instead of 30 s: the first look may come before the adoption."""
    monkeypatch.setattr(checkpoints_module, "_LOOK_SECONDS", 0.1)


@contextlib.asynccontextmanager
async def logging(home: Path, store: Store) -> AsyncIterator[tuple[RowLog, Checkpoints]]:
    checkpoints = Checkpoints(store, Doorbells(""), utc_now)
    log = RowLog(
        DECISIONS,
        home / "decisions",
        store,
        now=utc_now,
        retention=dict,
        checkpoints=checkpoints,
    )
    async with log.running():
        yield log, checkpoints


async def documents(store: Store) -> dict[str, int]:
    found = {}
    for path in filter(is_acknowledged_path, await store.tags("index")):
        document = await store.read_document(path, Acknowledged)
        if document is not None:
            found[path] = document.checkpoint
    return found


async def request(store: Store, number: int) -> None:
    writer = IndexWriter(store, WRITER)
    writer.note(ENTRY, 0, number)
    await writer.write()


def clock_at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def files_in(home: Path) -> list[Path]:
    return list(home.glob("decisions/*/*.*"))


async def segments(store: Store) -> int:
    return len(await store.files(decisions_prefix("shop")))


async def test_a_checkpoint_is_acknowledged_once_what_came_before_is_in_the_store(
    tmp_path: Path,
) -> None:
    store = Store((tmp_path / "store").as_uri())
    async with logging(tmp_path, store) as (log, checkpoints):
        await checkpoints.register()
        assert list((await documents(store)).values()) == [0]
        log.append("shop", b'{"n":1}\n')
        await request(store, 7)
        checkpoints.request()

        async def acknowledged() -> bool:
            return list((await documents(store)).values()) == [7]

        await wait_until(acknowledged)
        assert await segments(store) == 1


async def test_a_store_that_takes_no_segment_gets_no_acknowledgement(tmp_path: Path) -> None:
    store = Store((tmp_path / "store").as_uri())
    async with logging(tmp_path, store) as (log, checkpoints):
        await checkpoints.register()
        # No segment can be put where a file lies.
        await store.write("shop/decisions", b"")
        log.append("shop", b'{"n":1}\n')
        await request(store, 7)
        checkpoints.request()
        await wait_until(lambda: checkpoints.loop.fault is not None)
        assert list((await documents(store)).values()) == [0]
        await store.delete("shop/decisions")

        async def acknowledged() -> bool:
            return list((await documents(store)).values()) == [7]

        await wait_until(acknowledged)
        assert await segments(store) == 1


async def test_a_process_that_stops_with_all_shipped_leaves_nothing(tmp_path: Path) -> None:
    store = Store((tmp_path / "store").as_uri())
    async with logging(tmp_path, store) as (log, checkpoints):
        await checkpoints.register()
        log.append("shop", b'{"n":1}\n')
    assert await documents(store) == {}
    assert await segments(store) == 1
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("slot", ["0", "1"])
async def test_leftovers_of_a_killed_process_are_shipped_before_its_document_goes(
    tmp_path: Path, slot: str
) -> None:
    store = Store((tmp_path / "store").as_uri())
    # What a process that was killed leaves: a segment, its id, and its document.
    folder = tmp_path / "decisions" / slot
    folder.mkdir(parents=True)
    (folder / "dead.replica").touch()
    LogSegments(folder, utc_now).append("shop", b'{"n":1}\n')
    await store.write_document(
        acknowledged_path("dead"), Acknowledged(checkpoint=3, written_at=utc_now())
    )
    async with logging(tmp_path, store):

        async def is_alone() -> bool:
            found = await documents(store)
            return len(found) == 1 and (acknowledged_path("dead") in found) == (slot == "0")

        async def is_shipped() -> bool:
            return await segments(store) == 1

        await wait_until(is_alone)
        if slot == "0":
            # Its document stays, so that it is there says nothing of the segment.
            await wait_until(is_shipped)
        assert await is_shipped()
    assert await documents(store) == {}


def test_a_segment_that_is_days_late_is_shipped_under_the_present_day(tmp_path: Path) -> None:
    for days in (0, 1, 2, 40):
        LogSegments(tmp_path, clock_at(NOW - timedelta(days=days))).append("shop", b"{}\n")
    days_of = [path.name.split("@")[1] for path in LogSegments(tmp_path, lambda: NOW).sealed()]
    assert sorted(days_of) == ["2026-11-23", "2026-11-24", "2026-11-24", "2026-11-24"]
