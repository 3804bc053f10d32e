"""Runs: in a process of their own, recorded whatever happens, never twice at once."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.trainer.documents.service import Documents
from services.trainer.registry import service as registry
from services.trainer.resources import Resources
from services.trainer.runs import service
from services.trainer.runs.execution import claim, execute
from services.trainer.runs.interruption import mark_interrupted
from services.trainer.runs.messages import RunRequest, RunView
from services.trainer.runs.publication import RunInterrupted
from services.trainer.runs.service import RunActive
from services.trainer.settings import TrainerSettings
from services.trainer.tables import Run, Version
from services.trainer.worker import Worker
from services.trainer.writer_lease.owners import owner_name
from shared.contracts.base import new_id
from shared.contracts.versions import OutOfFold
from shared.db import Database
from shared.settings import CommonSettings
from shared.store import Store, manifest_path, model_path, out_of_fold_path
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts


async def _request(parts: TrainerParts) -> str:
    view = await service.request(parts.resources, parts.project, RunRequest(), "op")
    return view.run_id


async def _run(parts: TrainerParts) -> RunView:
    run_id = await _request(parts)
    await execute(parts.resources, parts.project, run_id)
    return await service.describe(parts.resources, PROJECT, run_id)


async def _versions(parts: TrainerParts) -> list[str]:
    views = await registry.list_versions(parts.resources, parts.project, None, 100)
    return [view.version for view in views]


@pytest.mark.any_database
async def test_run_makes_a_version_and_tidies_up(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.label(range(60), truth)
        run = await _run(parts)
        assert (run.state, run.progress, run.version) == ("succeeded", 1.0, "v1"), run.log
        assert run.log is not None
        assert "60 labels read" in run.log
        assert await _versions(parts) == ["v1"]
        assert (await parts.channels()).champion == "v1"
        assert list(parts.resources.runs_folder.iterdir()) == []


@pytest.mark.thorough
async def test_too_few_labels_fail_clearly_and_start_no_other_run(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"min_new_labels": 3}) as parts:
        await parts.label(range(3), truth)
        await service.start_if_due(parts.resources, parts.project)
        run_id = await service.queued(parts.resources, PROJECT)
        assert run_id is not None
        await execute(parts.resources, parts.project, run_id)
        run = await service.describe(parts.resources, PROJECT, run_id)
        assert run.state == "failed"
        assert run.detail is not None
        assert "training needs at least" in run.detail
        await service.start_if_due(parts.resources, parts.project)
        assert await service.queued(parts.resources, PROJECT) is None
        await parts.label(range(10, 13), truth)
        await service.start_if_due(parts.resources, parts.project)
        assert await service.queued(parts.resources, PROJECT) is not None


async def test_run_without_labels_says_so(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        run = await _run(parts)
        assert (run.state, run.detail) == ("failed", "training needs labels; there are none yet")


@pytest.mark.thorough
async def test_run_without_a_field_that_its_recipe_needs_says_so(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.put_project(fields={"text": {"type": "number"}})
        parts.queue.resolve("item-1", {"text": 1}, "positive")
        await parts.step()
        run = await _run(parts)
        assert run.detail is not None
        assert "needs a text field" in run.detail


async def test_a_run_waits_for_labels_that_were_there_when_it_was_asked_for(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        before = parts.resources.now()
        run_id = await _request(parts)
        later = (await service.describe(parts.resources, PROJECT, run_id)).created_at
        assert await service.queued(parts.resources, PROJECT, before - timedelta(seconds=1)) is None
        assert await service.queued(parts.resources, PROJECT, later) == run_id
        # The review queue is away: it does not wait.
        assert await service.queued(parts.resources, PROJECT) == run_id


@pytest.mark.thorough
async def test_version_numbers_are_never_used_twice(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        assert (await _run(parts)).version == "v1"
        await parts.label(range(60), truth)
        assert (await parts.publish_version()).version == "v2"
        assert await _versions(parts) == ["v2"]


async def test_only_one_run_at_a_time(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        run_id = await _request(parts)
        with pytest.raises(RunActive) as refusal:
            await _request(parts)
        assert refusal.value.extensions == {"run_id": run_id}


@pytest.mark.any_database
async def test_cancelled_runs_make_no_version(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.label(range(60), truth)
        queued = await _request(parts)
        assert (await service.cancel(parts.resources, PROJECT, queued)).state == "cancelled"
        await execute(parts.resources, parts.project, queued)

        running = await _request(parts)
        task = asyncio.create_task(execute(parts.resources, parts.project, running))

        async def has_begun() -> bool:
            return (await parts.run(running)).dataset_id is not None

        await wait_until(has_begun)
        await service.cancel(parts.resources, PROJECT, running)
        await task
        assert (await parts.run(running)).state == "cancelled"
        assert await _versions(parts) == []
        assert await parts.resources.store.read(model_path(PROJECT, "v1")) is None


@pytest.mark.thorough
async def test_process_past_its_time_is_ended_and_said_so(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        limits = TrainerSettings(database_url=sqlite_url, run_cpu_seconds=1)
        object.__setattr__(parts.resources, "settings", limits)
        await parts.label(range(5_000), truth)
        run = await _run(parts)
        assert run.state == "failed"
        assert run.detail is not None
        assert "1 s of processor time" in run.detail


async def _interrupted(parts: TrainerParts, **changes: Any) -> Run:
    """A run as a trainer leaves it that is killed between the model's file and the manifest's."""
    async with parts.resources.database.transaction() as session:
        values = {
            "run_id": new_id(),
            "project": PROJECT,
            "mode": "initial",
            "recipe": "text-linear",
            "requested_by": "trainer",
            "state": "running",
            "version": "v1",
            "owner": "elsewhere:1:x",
            "heartbeat_at": parts.clock.moment,
            "created_at": parts.clock.moment,
        }
        run = Run(**{**values, **changes})
        session.add(run)
    await parts.resources.store.write(model_path(PROJECT, "v1"), b"half")
    return run


async def test_run_of_a_silent_trainer_is_marked_and_leaves_no_half_version(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        run = await _interrupted(parts)
        await mark_interrupted(parts.resources, PROJECT)
        assert (await parts.run(run.run_id)).state == "running"
        parts.clock.advance(seconds=11)
        await mark_interrupted(parts.resources, PROJECT)
        record = await parts.run(run.run_id)
        assert (record.state, record.detail) == ("failed", "interrupted: start it again")
        assert await parts.resources.store.read(model_path(PROJECT, "v1")) is None
        assert await parts.resources.store.read(manifest_path(PROJECT, "v1")) is None
        await _request(parts)


@pytest.mark.parametrize("former", ["our own id", "an id that is gone"])
async def test_run_of_a_dead_former_self_is_marked_at_once(
    common: CommonSettings, sqlite_url: str, former: str
) -> None:
    process = os.getpid() if former == "our own id" else 2**22 - 1
    async with open_trainer_parts(common, sqlite_url) as parts:
        owner = f"{owner_name().split(':')[0]}:{process}:former"
        run = await _interrupted(parts, owner=owner)
        await mark_interrupted(parts.resources, PROJECT)
        assert (await parts.run(run.run_id)).state == "failed"


async def test_run_whose_end_could_not_be_recorded_is_marked_by_the_same_trainer(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        run_id = await _request(parts)
        assert await claim(parts.resources, PROJECT, run_id) is not None
        await mark_interrupted(parts.resources, PROJECT)
        assert (await parts.run(run_id)).state == "running"
        # As after a run that failed while the database was away.
        parts.resources.under_way.discard(run_id)
        await mark_interrupted(parts.resources, PROJECT)
        assert (await parts.run(run_id)).state == "failed"
        await _request(parts)


async def test_a_heartbeat_counts_for_ten_seconds_and_not_from_a_clock_far_ahead(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        for seconds, state in ((-200, "running"), (9, "running"), (11, "failed"), (-400, "failed")):
            beat = parts.clock.moment - timedelta(seconds=seconds)
            run = await _interrupted(parts, heartbeat_at=beat)
            await mark_interrupted(parts.resources, PROJECT)
            assert (await parts.run(run.run_id)).state == state


async def test_published_version_of_an_interrupted_run_stays(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(60), truth)
        version = await parts.publish_version()
        async with parts.resources.database.transaction() as session:
            run = await session.get_one(Run, version.run_id)
            run.state, run.heartbeat_at = "running", parts.clock.moment - timedelta(hours=1)
            run.owner = "elsewhere:1:x"
        await mark_interrupted(parts.resources, PROJECT)
        assert await parts.resources.store.read(manifest_path(PROJECT, "v1")) is not None


async def test_interrupted_run_is_due_again_but_not_for_ever(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(60), truth)
        for _ in range(3):
            await service.start_if_due(parts.resources, parts.project)
            run_id = await service.queued(parts.resources, PROJECT)
            assert run_id is not None
            async with parts.resources.database.transaction() as session:
                run = await session.get_one(Run, run_id)
                run.state, run.owner, run.dataset_id = "running", "elsewhere:1:x", "same"
            await mark_interrupted(parts.resources, PROJECT)
        await service.start_if_due(parts.resources, parts.project)
        assert await service.queued(parts.resources, PROJECT) is None


async def test_trainer_that_stops_ends_its_run_and_says_so(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(60), truth)
        run_id = await _request(parts)

        async def has_begun() -> bool:
            return (await parts.run(run_id)).dataset_id is not None

        async with Worker(parts.resources).working():
            await wait_until(has_begun)
        run = await parts.run(run_id)
        assert (run.state, run.detail) == ("failed", "interrupted: start it again")


class HookedDatabase(Database):
    """Lets something happen just before a transaction begins."""

    before: Callable[[], Awaitable[Any]] | None = None

    @contextlib.asynccontextmanager
    async def transaction(self, *, repeated: bool = False) -> AsyncIterator[AsyncSession]:
        """A transaction that comes late."""
        if self.before is not None:
            hook, self.before = self.before, None
            await hook()
        async with super().transaction(repeated=repeated) as session:
            yield session


@pytest.mark.any_database
async def test_labels_that_a_run_has_just_used_up_start_no_other(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.label(range(60), truth)
        late = HookedDatabase(database_url)
        late.before = parts.publish_version
        resources = Resources(**{**vars(parts.resources), "database": late})
        await service.start_if_due(resources, parts.project)
        assert await service.queued(parts.resources, PROJECT) is None
        assert await _versions(parts) == ["v1"]
        await late.dispose()


def _with_store(parts: TrainerParts, store: Store) -> TrainerParts:
    """The parts's trainer, on another view of the store."""
    tools = parts.resources
    documents = Documents(
        tools.database, store, tools.projects, tools.bells, tools.leases, tools.now
    )
    return replace(parts, resources=replace(tools, store=store, documents=documents))


@pytest.mark.thorough
async def test_a_recorded_version_keeps_its_files_when_the_store_fails_right_after(
    common: CommonSettings, sqlite_url: str
) -> None:
    class Failing(Store):
        """Takes a version's files, and no document."""

        async def replace(self, path: str, body: bytes, tag: str | None) -> str | None:
            raise OSError("No space left on device")

    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(60), truth)
        await _with_store(parts, Failing(common.store_url)).publish_version()
        assert await parts.resources.store.read(manifest_path(PROJECT, "v1")) is not None
        await parts.resources.documents.sync(PROJECT)
        assert (await parts.channels()).champion == "v1"


async def test_a_run_that_another_trainer_has_ended_records_no_version(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        tools = parts.resources

        class Slow(Store):
            """Is so slow that another trainer takes the run for interrupted meanwhile."""

            async def write_document(self, path: str, document: BaseModel) -> None:
                await super().write_document(path, document)
                async with tools.database.transaction() as session:
                    for run in (await session.execute(select(Run))).scalars():
                        run.state = "failed"

        await parts.label(range(60), truth)
        with pytest.raises(RunInterrupted):
            await _with_store(parts, Slow(common.store_url)).publish_version()
        async with tools.database.reading() as session:
            assert (await session.execute(select(Version))).first() is None


async def test_a_version_says_what_cross_fitting_held_of_each_training_label(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(80), truth)
        version = await parts.publish_version()
        path = out_of_fold_path(PROJECT, version.version)
        found = await parts.resources.store.read_document(path, OutOfFold)
        assert found is not None
        tune = version.tune
        assert (found.item_ids, found.confidences) == (tune["item_ids"], tune["scores"])
        pairs = list(zip(found.labels, found.predicted, strict=True))
        assert [label == said for label, said in pairs] == tune["correct"]
        assert found.labels == [truth(review(int(i[5:]))) for i in found.item_ids]
        right = [said == label for label, said in pairs]
        own = zip(found.label_probabilities, found.confidences, right, strict=True)
        assert all((of_label == highest) == good for of_label, highest, good in own)
