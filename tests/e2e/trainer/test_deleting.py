"""A project is deleted at the review queue, and the trainer follows; the name begins anew."""

from typing import Any

import pytest

from shared.auth import Keys
from shared.settings import CommonSettings
from shared.store import project_path
from tests.harness import wait_until
from tests.harness.trainer_and_queue import (
    PROJECT,
    TrainerAndQueue,
    project_spec,
    run_trainer_and_queue,
)

ROOT = f"/v1/projects/{PROJECT}"


@pytest.mark.thorough
async def test_a_deleted_project_leaves_nothing_to_the_next_of_its_name(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project()
        await both.import_pool(0, 200)
        await both.label_and_train()
        assert (await both.queue.post(f"{ROOT}/archive")).is_success
        gone = await both.queue.delete(ROOT, params={"confirm": PROJECT})
        assert gone.status_code == 202, gone.text
        assert (await both.trainer.get(f"{ROOT}/versions")).status_code == 404

        async def only_its_document_is_left() -> bool:
            return await both.store.files(f"{PROJECT}/") == [project_path(PROJECT)]

        await wait_until(only_its_document_is_left)
        await wait_until(lambda: _is_created(both))
        await wait_until(lambda: _lists(both, []))
        await both.import_pool(0, 200)
        await both.label_and_train()
        assert await _lists(both, ["v2"])


async def _is_created(both: TrainerAndQueue) -> bool:
    return (await both.queue.put(ROOT, json=project_spec())).status_code == 201


async def _lists(both: TrainerAndQueue, names: list[str]) -> bool:
    answer = await both.trainer.get(f"{ROOT}/versions")
    if answer.status_code == 503:
        return False
    found: list[Any] = answer.json()["versions"]
    return [one["version"] for one in found] == names
