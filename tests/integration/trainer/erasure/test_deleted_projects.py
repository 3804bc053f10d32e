"""A deleted project leaves nothing at the trainer, and the next of its name begins anew."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from services.trainer.erasure.projects import is_removed, remove_deleted
from services.trainer.erasure.repository import OF_PROJECTS
from services.trainer.projects.repository import read_state
from services.trainer.tables import Certification, ProjectState, Version
from services.trainer.worker import Worker
from shared.auth import Keys
from shared.contracts.base import utc_now
from shared.contracts.projects import Project
from shared.settings import CommonSettings
from shared.store import Store, first_labels_path, project_path
from tests.harness import wait_until
from tests.harness.served_trainer import ROOT, serve_trainer
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, decision, make_project, open_trainer_parts


async def fill(parts: TrainerParts) -> None:
    """Let the project have a certified version, traffic and runs."""
    await parts.import_reviews(range(100))
    await parts.label(range(1000, 1060), truth)
    await parts.publish_version()
    await parts.step()
    parts.queue.answer(truth)
    await parts.step()
    await parts.log_decisions(range(3000, 3010))
    await parts.read_ledger()


async def delete_project(parts: TrainerParts) -> Project:
    """Let the store say what the review queue writes of a deleted project."""
    before = parts.project
    nothing: dict[str, Any] = {"labels": ["-", "--"], "fields": {"deleted": {"type": "json"}}}
    moment = parts.clock.moment
    document = make_project(before.revision + 1, **nothing, archived_at=moment, deleted_at=moment)
    await parts.resources.store.write_document(project_path(PROJECT), document)
    return document


async def create_anew(parts: TrainerParts, revision: int, **changes: Any) -> Project:
    """Let the store have a new project of the name."""
    parts.project = make_project(revision, title="New", **changes).model_copy(
        update={"first_revision": revision, "created_at": parts.clock.moment}
    )
    await parts.resources.store.write_document(project_path(PROJECT), parts.project)
    return parts.project


async def rows(parts: TrainerParts) -> int:
    """Return how many rows are left, but for the project's own and its lease."""
    async with parts.resources.database.reading() as session:
        return sum([await _count(session, table) for table in OF_PROJECTS])


async def _count(session: Any, table: Any) -> int:
    return len((await session.execute(table.select())).all())


async def state(parts: TrainerParts) -> ProjectState:
    async with parts.resources.database.reading() as session:
        found = await read_state(session, PROJECT)
    assert found is not None
    return found


async def remove(parts: TrainerParts, project: Project) -> None:
    await remove_deleted(parts.resources.database, parts.resources.store, project)


async def test_nothing_is_left_and_the_next_project_begins_anew(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await fill(parts)
        before, promise = await state(parts), await parts.promise()
        deleted = await delete_project(parts)
        async with Worker(parts.resources).working():
            await wait_until(lambda: _is_clean(parts))
            # A router that was slow ships what it has decided.
            parts.resources.documents.forget(PROJECT)
            await parts.log_decisions(range(10), "late")
            await parts.resources.bells.ring(f"project.{PROJECT}")
            await wait_until(lambda: _has_only_its_document(parts))
        after = await state(parts)
        assert (after.champion, after.outcomes_cursor, after.history) == (None, None, [])
        assert after.audit_epoch != before.audit_epoch
        assert after.first_revision == deleted.revision + 1

        parts.clock.advance(minutes=1)
        project = await create_anew(parts, deleted.revision + 1)
        assert await is_removed(parts.resources.database, project)
        parts.queue.feed.clear()
        await parts.label(range(5000, 5060), truth)
        version = await parts.publish_version()
        # No name of a version is given twice, and its documents are later than those before.
        assert version.version == "v2"
        assert (await parts.promise()).order > promise.order
        assert (await parts.channels()).champion == "v2"


@pytest.mark.thorough
async def test_first_labels_of_the_next_project_are_looked_at(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"min_new_labels": 200}) as parts:

        async def is_looked_at() -> bool:
            path = first_labels_path(PROJECT)
            return await parts.resources.store.size(path) is not None

        await parts.label(range(60), truth)
        async with Worker(parts.resources).working():
            await wait_until(is_looked_at)
            deleted = await delete_project(parts)
            await parts.resources.bells.ring(f"project.{PROJECT}")
            await wait_until(lambda: _is_clean(parts))
            await wait_until(lambda: _has_only_its_document(parts))
            parts.queue.feed.clear()
            await create_anew(parts, deleted.revision + 1, training={"min_new_labels": 200})
            for number in range(5000, 5060):
                parts.queue.resolve(f"item-{number}", review(number), truth(review(number)))
            await parts.resources.bells.ring(f"project.{PROJECT}")
            await wait_until(is_looked_at)


async def _is_clean(parts: TrainerParts) -> bool:
    return (await state(parts)).first_revision > 1 and not await rows(parts)


async def _has_only_its_document(parts: TrainerParts) -> bool:
    return await parts.resources.store.files(f"{PROJECT}/") == [project_path(PROJECT)]


@pytest.mark.thorough
@pytest.mark.parametrize("done", [0, 1, 2])
async def test_a_removal_that_was_cut_short_is_finished(
    done: int, common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await fill(parts)
        deleted = await delete_project(parts)
        # A crash came after some tables, or after all tables and a file.
        async with parts.resources.database.transaction() as session:
            for table in (Certification, Version)[:done]:
                await session.execute(delete(table))
        if done == 2:
            await parts.resources.store.delete(f"{PROJECT}/promise.json")
        assert not await is_removed(parts.resources.database, deleted)
        await remove(parts, deleted)
        assert await _is_clean(parts)
        assert await _has_only_its_document(parts)
        await remove(parts, deleted)
        assert await is_removed(parts.resources.database, deleted)


async def test_a_trainer_that_missed_the_deletion_keeps_only_what_is_new(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await fill(parts)
        parts.clock.advance(days=2)
        created_at = parts.clock.moment
        project = await create_anew(parts, 4)
        old = decision(1, created_at - timedelta(seconds=1))
        await parts.ship([old, decision(2, created_at + timedelta(seconds=1))], "r-2")
        assert not await is_removed(parts.resources.database, project)
        await remove(parts, project)
        assert await _is_clean(parts)
        # The day's log may have decisions about either project.
        await parts.resources.projects.find(PROJECT)
        assert await parts.read_ledger() == 1


async def test_the_api_waits_until_nothing_is_left(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        await trainer.import_lines({"item_id": "a", "data": {"text": "one"}})
        store_document = make_project(3).model_copy(update={"first_revision": 3})
        store = Store(common.store_address)
        await store.write_document(project_path(PROJECT), store_document)
        answer = await trainer.operator.get(f"{ROOT}/pool")
        assert answer.status_code in (200, 503)

        async def is_new() -> bool:
            found = await trainer.operator.get(f"{ROOT}/pool")
            return found.status_code == 200 and not any(found.json().values())

        await wait_until(is_new)
        gone = store_document.model_copy(update={"revision": 4, "deleted_at": utc_now()})
        await store.write_document(project_path(PROJECT), gone)
        assert (await trainer.operator.get(f"{ROOT}/pool")).status_code == 404


async def test_a_look_that_is_late_takes_nothing_from_the_next_project(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await fill(parts)
        deleted = await delete_project(parts)
        await remove(parts, deleted)
        created = await create_anew(parts, deleted.revision + 1)
        assert await is_removed(parts.resources.database, created)
        await parts.import_reviews(range(100))
        before = await rows(parts)
        for late in (deleted, created):
            await remove(parts, late)
        assert await rows(parts) == before > 0
