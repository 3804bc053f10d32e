"""An archived project: nothing is done for it until it is unarchived."""

from typing import Any

import pytest

from services.trainer.runs import service
from services.trainer.runs.messages import RunRequest
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.trainer_and_queue import (
    PROJECT,
    TrainerAndQueue,
    project_spec,
    run_trainer_and_queue,
)


async def _archive(both: TrainerAndQueue, what: str) -> None:
    response = await both.queue.post(f"/v1/projects/{PROJECT}/{what}")
    assert response.is_success, response.text


@pytest.mark.thorough
async def test_a_run_of_an_archived_project_waits_until_it_is_unarchived(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project()
        project = await both.resources.projects.require(PROJECT)
        await _archive(both, "archive")
        # A run that was asked for just before the project was archived.
        run = await service.request(both.resources, project, RunRequest(), "op")
        # Another project's run, which is asked for later, has ended before this one begins.
        assert (await both.queue.put("/v1/projects/other", json=project_spec())).is_success
        url = "/v1/projects/other/runs"
        other: Any = (await both.trainer.post(url, json={})).json()

        async def has_ended() -> bool:
            found: Any = (await both.trainer.get(f"{url}/{other['run_id']}")).json()
            return bool(found["state"] == "failed")

        await wait_until(has_ended)
        assert (await both.get(f"runs/{run.run_id}"))["state"] == "queued"
        await _archive(both, "unarchive")

        async def has_failed() -> bool:
            return bool((await both.get(f"runs/{run.run_id}"))["state"] == "failed")

        await wait_until(has_failed)


async def test_an_archived_project_takes_no_work(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project()
        await _archive(both, "archive")
        for path in ("runs", "certify", "versions", "pool", "pool/batches"):
            response = await both.post(path, {"version": "v1", "size": 1, "strategy": "random"})
            problem = response.json()
            assert (path, response.status_code, problem["type"]) == (
                path,
                409,
                "urn:surehand:problem:project-archived",
            )
            assert problem["project"] == PROJECT
