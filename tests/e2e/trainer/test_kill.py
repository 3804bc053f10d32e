"""The trainer killed in the middle of a run: no half version, and the next run works."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.auth import Keys
from shared.contracts.versions import Channels
from shared.settings import CommonSettings
from shared.store import Store, channels_path, project_path
from tests.harness import ServiceProcess, client, free_port, serve, spawn, wait_until
from tests.harness.databases import create_tables
from tests.harness.stand_in_queue import StandInQueue
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import make_project

pytestmark = pytest.mark.thorough


def _processes_of(run_id: str) -> list[str]:
    """The processes that have this run's folder in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if run_id.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


async def _newest_run(operator: httpx.AsyncClient) -> dict[str, Any]:
    runs = (await operator.get(f"/v1/projects/{PROJECT}/runs")).json()["runs"]
    return dict(runs[0]) if runs else {"state": "none"}


def _environment(common: CommonSettings, queue_base: str, database_url: str) -> dict[str, str]:
    return {
        "SUREHAND_REDIS_URL": common.redis_url,
        "SUREHAND_STORE_URL": common.store_url,
        "SUREHAND_SECRET": common.secret.get_secret_value(),
        "SUREHAND_SERVICE_TOKEN": common.service_token.get_secret_value(),
        "SUREHAND_REVIEW_QUEUE_URL": queue_base,
        "SUREHAND_TRAINER_DATABASE_URL": database_url,
        "SUREHAND_POLL_SECONDS": "0.1",
    }


async def _kill_in_a_run(trainer: ServiceProcess, token: str) -> str:
    """Kill the trainer while its run's process works; return the run's id."""
    async with client(trainer.base_url, token) as operator:

        async def is_training() -> Any:
            run = await _newest_run(operator)
            return run if run["state"] == "running" and run["dataset_id"] else None

        run_id = str((await wait_until(is_training))["run_id"])
        await wait_until(lambda: _processes_of(run_id))
    await asyncio.to_thread(trainer.kill)
    await wait_until(lambda: not _processes_of(run_id))
    return run_id


async def _wait_for_champion(store: Store, version: str) -> None:
    async def is_live() -> bool:
        channels = await store.read_document(channels_path(PROJECT), Channels)
        return channels is not None and channels.champion == version

    await wait_until(is_live)


async def test_killed_trainer_leaves_no_half_version_and_starts_anew(
    common: CommonSettings, keys: Keys, sqlite_url: str, home: Path
) -> None:
    await create_tables("trainer", sqlite_url)
    store = Store(common.store_address)
    await store.write_document(project_path(PROJECT), make_project())
    queue = StandInQueue()
    for i in range(600):
        queue.resolve(f"item-{i}", review(i), truth(review(i)))
    token, port = keys.issue("operator", "op"), free_port()
    async with serve(queue.app()) as queue_base:
        environment = _environment(common, queue_base, sqlite_url)
        with spawn("trainer", home, port, **environment) as trainer:
            run_id = await _kill_in_a_run(trainer, token)
        assert await store.files(f"{PROJECT}/versions") == []

        with spawn("trainer", home, port, **environment) as trainer:
            await _wait_for_champion(store, "v2")
            async with client(trainer.base_url, token) as operator:
                record = (await operator.get(f"/v1/projects/{PROJECT}/runs/{run_id}")).json()
        assert (record["state"], record["detail"]) == ("failed", "interrupted: start it again")
        assert await store.folders(f"{PROJECT}/versions") == ["v2"]
