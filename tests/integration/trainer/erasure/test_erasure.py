"""Items erased at the review queue: the trainer forgets their content, and keeps its counts."""

import asyncio
import gzip
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from services.trainer.content import content_hash
from services.trainer.datasets import service as datasets
from services.trainer.datasets.cleaning import clean_snapshots
from services.trainer.datasets.service import freeze, load
from services.trainer.ledger.repository import DecisionFilter
from services.trainer.ledger.service import list_decisions
from services.trainer.outcomes.service import read_feed
from services.trainer.pool import service as pool
from services.trainer.pool.messages import PoolCounts
from services.trainer.pool.rows import parse_ndjson
from services.trainer.promise.proof.findings import rows_of
from services.trainer.resources import Resources
from services.trainer.runs import repository as runs_sql
from services.trainer.runs import service as runs
from services.trainer.runs.execution import claim, freeze_labels
from services.trainer.runs.interruption import mark_interrupted
from services.trainer.runs.messages import RunRequest
from services.trainer.tables import CertificationItem, OutcomeRow, Run
from services.trainer.watch import view
from shared.settings import CommonSettings
from shared.store import Store
from tests.harness.rows import tables_with
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

SECRET = "loris"
DATA = {"text": f"{SECRET} is great"}
TRACES = (SECRET, content_hash(DATA), "0.987654321")


def erase(
    parts: TrainerParts, item_id: str, label: str | None, *, revision: int, **more: Any
) -> None:
    """Let the feed say that an item was erased."""
    parts.queue.resolve(item_id, {}, label, revision=revision, erased=True, **more)


async def snapshots_with(resources: Resources, word: str) -> list[str]:
    """Return the files of the store's datasets in which a word stands."""
    found = []
    for path in await resources.store.files(f"{PROJECT}/datasets"):
        body = await resources.store.read(path)
        assert body is not None
        if word.encode() in gzip.decompress(body):
            found.append(path)
    return found


async def test_no_table_and_no_snapshot_keeps_an_erased_item(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.import_raw([("a", DATA), *[(f"p-{i}", review(i)) for i in range(5)]])
        probabilities = {"negative": 0.012345679, "positive": 0.987654321}
        decided: dict[str, Any] = {"item_id": "a", "data": DATA, "probabilities": probabilities}
        await parts.log_decisions([1], confidence=0.987654321, **decided)
        await parts.read_ledger()
        parts.queue.resolve("a", DATA, "positive")
        await parts.label(range(20), truth)
        dataset, _ = await freeze(parts.resources, parts.project)
        certified = CertificationItem(
            certification_id="c",
            item_id="a",
            project=PROJECT,
            position=0,
            data=DATA,
            score=0.5,
            label="positive",
        )
        async with parts.resources.database.transaction() as session:
            session.add(certified)
        held = {"outcomes", "pool_items", "ledger_rows", "certification_items"}
        assert await tables_with(database_url, *TRACES) == held
        assert await snapshots_with(parts.resources, SECRET) == [dataset.path]

        erase(parts, "a", "positive", revision=2)
        await read_feed(parts.resources, PROJECT)
        assert await clean_snapshots(parts.resources, PROJECT) == 1
        assert await tables_with(database_url, *TRACES) == set()
        assert await snapshots_with(parts.resources, SECRET) == []

        # What was counted is counted still.
        assert await clean_snapshots(parts.resources, PROJECT) == 0
        view = await datasets.describe(parts.resources, PROJECT, dataset.dataset_id)
        assert (view.items, view.erased, sum(view.labels.values())) == (21, 1, 21)
        assert len(await load(parts.resources, dataset)) == 20
        counts = await pool.count(parts.resources, PROJECT)
        assert counts == PoolCounts(
            waiting=5,
            reserved=counts.reserved,
            asked=0,
            passed=0,
            answered=0,
            refused=0,
            erased=1,
            labelled=1,
            total=6,
        )
        async with parts.resources.database.reading() as session:
            (item,) = (await session.execute(select(CertificationItem))).scalars()
            (row,) = await rows_of(session, [item])
            assert (row.finding, row.content_digest) == ("right", None)


async def test_an_erased_label_trains_nothing_and_counts_as_evidence(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        answered: dict[str, Any] = {"decision": "answered", "audited": True, "model_version": "v1"}
        await parts.log_decisions([1, 2], label="negative", reason="confident", **answered)
        await parts.read_ledger()
        for i in (1, 2):
            parts.queue.resolve(f"item-{i}", review(i), "negative", lane="audit")
        parts.queue.resolve("m", review(3), "positive", lane="mandatory")
        await read_feed(parts.resources, PROJECT)
        (before,) = await view.audits(parts.resources, PROJECT)
        assert (before.resolved, before.errors) == (2, 0)
        erase(parts, "item-1", "negative", revision=2, lane="audit")
        erase(parts, "m", "positive", revision=2, lane="mandatory")
        await read_feed(parts.resources, PROJECT)
        (after,) = await view.audits(parts.resources, PROJECT)
        assert after == before
        async with parts.resources.database.reading() as session:
            assert await runs_sql.count_new_labels(session, PROJECT, 0) == 0
        dataset, _ = await freeze(parts.resources, parts.project)
        assert [row.item_id for row in await load(parts.resources, dataset)] == ["item-2"]


async def test_an_erased_item_is_imported_no_more_and_read_without_content(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        erase(parts, "a", None, revision=1)
        await read_feed(parts.resources, PROJECT)
        body = b"\n".join(
            orjson.dumps({"item_id": item_id, "data": {**DATA, "text": f"{SECRET} {item_id}"}})
            for item_id in ("a", "b")
        )
        report = await pool.import_lines(
            parts.resources, parts.project, parse_ndjson(body, parts.project)
        )
        assert report.imported == 1
        assert [(one.line, one.detail) for one in report.rejected] == [(1, "/item_id was erased")]
        # The router still has it in its log, and may decide on it again.
        await parts.log_decisions([1], item_id="a", data=DATA)
        assert await parts.read_ledger() == 1
        (row,) = await list_decisions(parts.resources, PROJECT, DecisionFilter("a"), 0, 10)
        assert (row.row["data"], row.content_hash) == ({}, content_hash({}))
        assert await tables_with(database_url, SECRET) == {"pool_items"}


@pytest.mark.any_database
async def test_a_snapshot_that_is_being_made_meanwhile_is_cleaned_too(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        parts.queue.resolve("a", DATA, "positive")
        await parts.label(range(4), truth)

        class Meanwhile(Store):
            """Lets the item be erased, and all be cleaned, just before a snapshot is written."""

            async def write(self, path: str, body: bytes) -> None:
                erase(parts, "a", "positive", revision=2)
                await read_feed(parts.resources, PROJECT)
                assert await clean_snapshots(parts.resources, PROJECT) == 1
                await super().write(path, body)

        store = Meanwhile(common.store_address)
        hurried = Resources(**{**vars(parts.resources), "store": store})
        dataset, _ = await freeze(hurried, parts.project)
        assert await snapshots_with(parts.resources, SECRET) == [dataset.path]
        assert await clean_snapshots(parts.resources, PROJECT) == 1
        assert await snapshots_with(parts.resources, SECRET) == []


async def begin_run(parts: TrainerParts) -> Run:
    """Let a run begin; it has read no label yet."""
    view = await runs.request(parts.resources, parts.project, RunRequest(), "tests")
    claimed = await claim(parts.resources, PROJECT, view.run_id)
    assert claimed is not None
    return claimed[0]


def by_store(parts: TrainerParts, store: Store) -> Resources:
    """Return the parts's resources with another store."""
    return Resources(**{**vars(parts.resources), "store": store})


@pytest.mark.parametrize("earlier", [True, False], ids=["file was there", "file is new"])
@pytest.mark.any_database
async def test_a_snapshot_that_comes_while_others_are_cleaned_is_cleaned_too(
    common: CommonSettings, database_url: str, earlier: bool
) -> None:
    is_read, may_write = asyncio.Event(), asyncio.Event()

    class Late(Store):
        """Writes once it may."""

        async def write(self, path: str, body: bytes) -> None:
            is_read.set()
            await may_write.wait()
            await super().write(path, body)

    async with open_trainer_parts(common, database_url) as parts:
        parts.queue.resolve("a", DATA, "positive")
        await parts.label(range(4), truth)
        if earlier:
            await freeze(parts.resources, parts.project)
        run = await begin_run(parts)
        late = by_store(parts, Late(common.store_address))
        freezing = asyncio.create_task(freeze_labels(late, parts.project, run))
        await is_read.wait()
        erase(parts, "a", "positive", revision=2)
        await read_feed(parts.resources, PROJECT)

        class Meanwhile(Store):
            """Lets the run's file be written and recorded once those before it are cleaned."""

            async def files(self, prefix: str) -> list[str]:
                found = await super().files(prefix)
                if not found:
                    await finish_freezing()
                return found

            async def replace(self, path: str, body: bytes, tag: str | None) -> str | None:
                replaced = await super().replace(path, body, tag)
                await finish_freezing()
                return replaced

        async def finish_freezing() -> None:
            may_write.set()
            await freezing

        await clean_snapshots(by_store(parts, Meanwhile(common.store_address)), PROJECT)
        assert await snapshots_with(parts.resources, SECRET) == [(await freezing)[0].path]
        assert await clean_snapshots(parts.resources, PROJECT) == 1
        assert await snapshots_with(parts.resources, SECRET) == []


@pytest.mark.any_database
async def test_a_snapshot_of_a_run_that_died_over_it_is_cleaned_too(
    common: CommonSettings, database_url: str
) -> None:
    class Dying(Store):
        """Is the last that its trainer does; the item is erased, and all cleaned, before."""

        async def write(self, path: str, body: bytes) -> None:
            erase(parts, "a", "positive", revision=2)
            await read_feed(parts.resources, PROJECT)
            await clean_snapshots(parts.resources, PROJECT)
            await super().write(path, body)
            raise OSError("killed")

    async with open_trainer_parts(common, database_url) as parts:
        parts.queue.resolve("a", DATA, "positive")
        await parts.label(range(4), truth)
        run = await begin_run(parts)
        dying = by_store(parts, Dying(common.store_address))
        with pytest.raises(OSError, match="killed"):
            await freeze_labels(dying, parts.project, run)
        assert len(await snapshots_with(parts.resources, SECRET)) == 1
        await mark_interrupted(parts.resources, PROJECT, own=True)
        assert await clean_snapshots(parts.resources, PROJECT) == 1
        assert await snapshots_with(parts.resources, SECRET) == []


async def test_a_clean_up_that_was_cut_off_is_done_again(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        parts.queue.resolve("a", DATA, "positive")
        await parts.label(range(4), truth)
        dataset, _ = await freeze(parts.resources, parts.project)
        erase(parts, "a", "positive", revision=2)
        await read_feed(parts.resources, PROJECT)

        class Failing(Store):
            """Fails once it has written."""

            async def replace(self, path: str, body: bytes, tag: str | None) -> str | None:
                await super().replace(path, body, tag)
                raise OSError("the connection broke")

        store = Failing(common.store_address)
        hurried = Resources(**{**vars(parts.resources), "store": store})
        with pytest.raises(OSError, match="broke"):
            await clean_snapshots(hurried, PROJECT)
        assert await clean_snapshots(parts.resources, PROJECT) == 1
        view = await datasets.describe(parts.resources, PROJECT, dataset.dataset_id)
        assert (view.items, view.erased) == (5, 1)


async def test_rows_of_older_releases_are_read_as_before(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.resolve("a", DATA, "positive")
        assert "erased" not in parts.queue.feed[0]
        await read_feed(parts.resources, PROJECT)
        async with parts.resources.database.reading() as session:
            (row,) = (await session.execute(select(OutcomeRow))).scalars()
        assert (row.data, row.erasure) == (DATA, None)
        assert row.resolved_at < datetime.now(UTC)
