"""The trainer learns of projects from the review queue's feed, or by a doorbell alone."""

import pytest

from shared.auth import Keys
from shared.contracts.changes import ChangeFeed, StoreIndex
from shared.settings import CommonSettings
from shared.store import project_path
from shared.store_index import index_path
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, TrainerAndQueue, run_trainer_and_queue


async def works_for(world: TrainerAndQueue, project: str) -> bool:
    return project in (await world.trainer.get("/readyz")).json()["works_for"]


@pytest.mark.parametrize(
    ("redis", "poll_seconds"), [(True, 60.0), (False, 0.1)], ids=["bell", "feed"]
)
async def test_a_new_project_is_worked_for(
    common: CommonSettings, keys: Keys, sqlite_url: str, redis: bool, poll_seconds: float
) -> None:
    changes = {"poll_seconds": poll_seconds} if redis else {"redis_url": ""}
    wired = common.model_copy(update=changes)
    async with run_trainer_and_queue(wired, keys, sqlite_url) as world:
        await world.put_project()
        await wait_until(lambda: works_for(world, PROJECT))


@pytest.mark.thorough
async def test_every_document_is_in_an_index_and_in_the_feed(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as world:
        await world.put_project()
        await world.import_pool(0, 200)
        await world.label_and_train()
        service = {"Authorization": f"Bearer {keys.issue('service', 'tests')}"}

        async def is_complete() -> bool:
            answer = await world.trainer.get("/v1/changes", headers=service)
            page = ChangeFeed.model_validate_json(answer.content)
            return {(one.project, one.kind) for one in page.changes} == {
                (PROJECT, "channels"),
                (PROJECT, "promise"),
            }

        await wait_until(is_complete)
        index = await world.store.read_document(index_path("review_queue"), StoreIndex)
        assert index is not None
        assert project_path(PROJECT) in index.documents
        old = await world.trainer.get("/v1/changes?after=MS4x", headers=service)
        assert (old.status_code, old.json()["type"]) == (409, "urn:surehand:problem:feed-restarted")
