"""The feed of changes over all projects: complete, in order, and told apart after a restore."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete

from services.review_queue.projects import repository
from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.tables import ProjectChangeRow
from shared.auth import Keys
from shared.contracts.changes import StoreIndex
from shared.contracts.projects import ProjectDocument
from shared.db import Database
from shared.settings import CommonSettings
from shared.store import Store, project_path
from shared.store_index import index_path
from tests.harness import wait_until
from tests.harness.backups import back_up, restore
from tests.harness.clock import Clock
from tests.harness.desk import Desk, body_of, entry, open_desk, problem_of

pytestmark = pytest.mark.own_desk

CHANGES = "/v1/changes"


@pytest.fixture
async def database(settings: ReviewQueueSettings) -> AsyncIterator[Database]:
    opened = Database(settings.database_url)
    yield opened
    await opened.dispose()


async def changes(desk: Desk, after: str | None = None, **query: Any) -> dict[str, Any]:
    query = {"after": after, **query} if after else query
    return body_of(await desk.service.get(CHANGES, params=query))


def named(page: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((change["project"], change["kind"]) for change in page["changes"])


async def test_projects_and_outcomes_are_named_once_behind_each_cursor(desk: Desk) -> None:
    await desk.put_project("shop")
    await desk.put_project("toys")
    page = await changes(desk)
    assert named(page) == [("shop", "project"), ("toys", "project")]
    assert named(await changes(desk, page["cursor"])) == []
    await desk.post(entry("a"), entry("b"))
    await desk.answer("r1", "positive")
    await desk.answer("r1", "positive")
    await desk.put_project("toys", title="Toys")
    page = await changes(desk, page["cursor"])
    assert named(page) == [("shop", "outcomes"), ("toys", "project")]
    assert {"project": "toys", "kind": "project", "revision": 2} in page["changes"]
    assert named(await changes(desk, page["cursor"])) == []
    assert named(await changes(desk)) == [
        ("shop", "outcomes"),
        ("shop", "project"),
        ("toys", "project"),
    ]


async def test_a_statement_that_is_repeated_is_no_change(desk: Desk) -> None:
    await desk.put_project("shop")
    cursor = (await changes(desk))["cursor"]
    await desk.put_project("shop")
    assert named(await changes(desk, cursor)) == []


async def test_a_reader_that_waits_is_told_of_a_change(desk: Desk) -> None:
    await desk.put_project("shop")
    cursor = (await changes(desk))["cursor"]
    waiting = asyncio.create_task(changes(desk, cursor, wait_seconds=60))
    await asyncio.sleep(0)
    await desk.put_project("toys")
    assert named(await waiting) == [("toys", "project")]


@pytest.mark.any_database
async def test_the_feed_is_for_services_of_all_projects(desk: Desk) -> None:
    problem_of(await desk.of("caller").get(CHANGES), 403, "forbidden")
    problem_of(await desk.of("service", project="shop").get(CHANGES), 403, "forbidden")
    bad = await desk.service.get(CHANGES, params={"after": "Zm9v"})
    problem_of(bad, 422, "unprocessable")


async def test_a_restored_database_refuses_cursors_of_the_lost_time(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    async with open_desk(common, settings, keys, clock) as desk:
        await desk.put_project("shop")
        await back_up(settings.database_url, common.home / "backup")
        await desk.put_project("shop", title="Lost")
        cursor = (await changes(desk))["cursor"]
    await restore(settings.database_url, common.home / "backup")
    clock.advance(60)
    async with open_desk(common, settings, keys, clock) as desk:
        await desk.put_project("shop", title="Another")
        await desk.put_project("shop", title="And another")
        refused = await desk.service.get(CHANGES, params={"after": cursor})
        problem_of(refused, 409, "feed-restarted")
        assert named(await changes(desk)) == [("shop", "project")]


async def test_what_the_release_before_stored_is_put_into_feed_and_index(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    store = Store(common.store_address)
    async with open_desk(common, settings, keys, clock) as desk:
        await desk.put_project("shop")
    database = Database(settings.database_url)
    async with database.transaction() as session:
        await session.execute(delete(ProjectChangeRow))
    await database.dispose()
    await store.delete(index_path("review_queue"))
    async with open_desk(common, settings, keys, clock) as desk:

        async def is_complete() -> bool:
            index = await store.read_document(index_path("review_queue"), StoreIndex)
            known = index is not None and project_path("shop") in index.documents
            return known and named(await changes(desk)) == [("shop", "project")]

        await wait_until(is_complete)


async def test_index_and_document_say_the_same_place(desk: Desk, common: CommonSettings) -> None:
    store = Store(common.store_address)
    await desk.put_project("shop")
    await desk.put_project("shop", title="Anew")

    async def is_named() -> bool:
        index = await store.read_document(index_path("review_queue"), StoreIndex)
        entry = None if index is None else index.documents.get(project_path("shop"))
        return entry is not None and entry[:2] == (0, 2)

    await wait_until(is_named)
    document = await store.read_document(project_path("shop"), ProjectDocument)
    assert document is not None
    assert document.order == (0, 2, 0)


class TestTwoWriters:
    """Only PostgreSQL has two writers at once."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    async def test_a_change_that_commits_late_comes_after_the_readers_cursor(
        self, desk: Desk, database: Database
    ) -> None:
        for name in ("early", "late"):
            await desk.put_project(name)
        cursor = (await changes(desk))["cursor"]
        async with database.transaction() as slow:
            repository.record_change(slow, "late", 2, datetime.now(UTC))
            await slow.flush()
            async with database.transaction() as quick:
                repository.record_change(quick, "early", 2, datetime.now(UTC))
            page = await changes(desk, cursor)
            assert named(page) == [("early", "project")]
        assert named(await changes(desk, page["cursor"])) == [("late", "project")]
