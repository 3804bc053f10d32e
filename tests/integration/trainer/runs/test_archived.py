"""An archived project: nothing is done for it until it is unarchived."""

from typing import Any

from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, TrainerAndQueue, run_trainer_and_queue


async def _archive(both: TrainerAndQueue, what: str) -> None:
    response = await both.queue.post(f"/v1/projects/{PROJECT}/{what}")
    assert response.is_success, response.text


async def test_a_run_of_an_archived_project_waits_until_it_is_unarchived(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project()
        await _archive(both, "archive")

        async def is_known() -> bool:
            project = await both.resources.projects.last(PROJECT)
            return project is not None and project.archived_at is not None

        # A turn that began before goes on with the project as it was.
        await wait_until(is_known)
        run: Any = (await both.post("runs", {})).json()
        # Another project's run, which is asked for later, has ended before this one begins.
        spec = (await both.queue.get(f"/v1/projects/{PROJECT}")).json()
        assert (await both.queue.put("/v1/projects/other", json=spec)).is_success
        url = "/v1/projects/other/runs"
        other: Any = (await both.trainer.post(url, json={})).json()

        async def has_ended() -> bool:
            found: Any = (await both.trainer.get(f"{url}/{other['run_id']}")).json()
            return bool(found["state"] == "failed")

        await wait_until(has_ended)
        assert (await both.get(f"runs/{run['run_id']}"))["state"] == "queued"
        await _archive(both, "unarchive")

        async def has_failed() -> bool:
            return bool((await both.get(f"runs/{run['run_id']}"))["state"] == "failed")

        await wait_until(has_failed)
