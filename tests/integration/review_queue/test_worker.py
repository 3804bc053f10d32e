import pytest
from sqlalchemy import func, select

from services.review_queue.app import MIGRATIONS
from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.tables import OutboxRow
from shared.auth import Keys
from shared.db import Database
from shared.doorbells import Doorbells, outcomes_bell, project_bell, tasks_bell
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.clock import Clock
from tests.harness.desk import Desk, entry, open_desk

pytestmark = pytest.mark.own_desk


async def outbox_rows(database_url: str) -> int:
    database = Database(database_url)
    async with database.reading() as session:
        count = (await session.execute(select(func.count()).select_from(OutboxRow))).scalar_one()
    await database.dispose()
    return count


async def test_bells_ring_and_the_outbox_empties(desk: Desk, common: CommonSettings) -> None:
    await desk.put_project()
    async with Doorbells(common.redis_url).listening() as bells:
        await wait_until(lambda: bells.connected)
        with (
            bells.hearing(tasks_bell("shop")) as tasks,
            bells.hearing(outcomes_bell("shop")) as outcomes,
        ):
            await desk.post(entry("a"))
            await wait_until(tasks.is_set)
            await desk.answer("r1", "positive")
            await wait_until(outcomes.is_set)


async def test_without_redis_everything_works_and_no_bell_is_lost(
    common: CommonSettings,
    settings: ReviewQueueSettings,
    keys: Keys,
    clock: Clock,
) -> None:
    away = common.model_copy(update={"redis_url": "redis://127.0.0.1:1"})
    async with open_desk(away, settings, keys, clock) as desk:
        await desk.put_project()
        await desk.post(entry("a"))
        await desk.answer("r1", "positive")
        assert len((await desk.outcomes())["outcomes"]) == 1
    # One each of project, tasks and outcomes; two of the project when the worker published it too.
    assert await outbox_rows(settings.database_url) >= 3
    async with Doorbells(common.redis_url).listening() as bells:
        await wait_until(lambda: bells.connected)
        with (
            bells.hearing(project_bell("shop")) as project,
            bells.hearing(tasks_bell("shop")) as tasks,
            bells.hearing(outcomes_bell("shop")) as outcomes,
        ):
            async with open_desk(common, settings, keys, clock):
                for rung in (project, tasks, outcomes):
                    await wait_until(rung.is_set)
    assert await outbox_rows(settings.database_url) == 0


async def test_worker_outlives_a_database_that_is_not_migrated_yet(
    common: CommonSettings, database_url: str, keys: Keys, clock: Clock
) -> None:
    settings = ReviewQueueSettings(database_url=database_url)
    async with open_desk(common, settings, keys, clock) as desk:
        assert (await desk.operator.get("/readyz")).status_code == 503
        database = Database(database_url)
        await database.migrate(MIGRATIONS)
        await database.dispose()
        assert (await desk.operator.get("/readyz")).status_code == 200
        await desk.put_project()
        await desk.post(entry("a"))
        await desk.lease_one("r1")
        clock.advance(3600)

        async def written() -> bool:
            rows = await desk.service.get("/v1/projects/shop/tasks")
            return "expired" in await desk.kinds(rows.json()["tasks"][0]["task_id"])

        await wait_until(written)
