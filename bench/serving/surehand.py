"""Surehand as it runs in production, for measuring: Redis, the review queue, and the router.

The router alone has the server's core; all that it talks to shares the load generator's. The
trainer is not needed: its documents are written here, as it would write them.
"""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from bench.installation import (
    client_of,
    environment_of,
    new_home,
    running_redis,
    running_review_queue,
    until,
)
from bench.serving.environments import NotInstalled, python_of
from bench.serving.model import FIELD, LABELS
from bench.serving.processes import ROOT, running
from bench.serving.publishing import AUDIT_RATE, Publisher
from bench.serving.workbench import Endpoint, LeftOut, Workbench
from shared.contracts.projects import Project
from shared.doorbells import Doorbells
from shared.store import Store, project_path

PROJECT = "bench"
PREDICT = f"/v1/projects/{PROJECT}/predict"
INFER = f"/v2/models/{PROJECT}/infer"
_NOT_FOUND = 404


@dataclass
class Surehand:
    """One running installation."""

    endpoint: Endpoint
    publisher: Publisher
    client: httpx.AsyncClient
    swaps: int = 1

    async def swap(self) -> tuple[int, int]:
        """Publish the next version and wait until it serves; return when it began and ended.

        Times are nanoseconds of the monotonic clock.
        """
        self.swaps += 1
        version = f"v{self.swaps}"
        begun = time.monotonic_ns()
        await self.publisher.publish(version)
        await self._wait(lambda status: status["serving"] == version)
        return begun, time.monotonic_ns()

    async def route_by(self, threshold: float) -> None:
        """Move the threshold, and wait until the router routes by it."""
        await self.publisher.promise(threshold)
        revision = self.publisher.revision
        await self._wait(lambda status: status["policy_revision"] == revision)

    async def _wait(self, reached: Callable[[dict[str, Any]], bool]) -> None:
        async def looked() -> bool:
            response = await self.client.get(f"/v1/projects/{PROJECT}/model")
            return response.is_success and reached(response.json())

        await until(self.endpoint.server, looked)


@contextlib.asynccontextmanager
async def surehand(
    bench: Workbench, *, cores: frozenset[int] | None = None, workers: int = 1
) -> AsyncIterator[Surehand]:
    """Run an installation whose router answers everything, on `cores` (the server's).

    Raises
    ------
    LeftOut
        The router has no `--workers` yet.
    """
    arguments = await _router_arguments(bench, workers)
    with new_home(bench) as home:
        environment, tokens = environment_of(home)
        async with (
            running_redis(bench, home, environment),
            _review_queue(bench, environment, tokens["operator"]),
            Doorbells(environment["SUREHAND_REDIS_URL"]).listening() as bells,
        ):
            store = Store((home.folder / "store").as_uri())
            project = await store.read_document(project_path(PROJECT), Project)
            assert project is not None
            publisher = Publisher(store, bells, bench.model, project)
            await publisher.publish("v1")
            chosen = bench.cores.server if cores is None else cores
            async with (
                _router(bench, environment, tokens["caller"], arguments, chosen) as endpoint,
                client_of(endpoint.port, tokens["caller"]) as client,
            ):
                yield Surehand(endpoint, publisher, client)


@contextlib.asynccontextmanager
async def infer_endpoint(bench: Workbench) -> AsyncIterator[Endpoint]:
    """Run an installation and give its Open Inference Protocol route.

    Raises
    ------
    LeftOut
        The route is not there.
    """
    async with surehand(bench) as installation:
        answer = await installation.client.post(INFER, json={})
        if answer.status_code == _NOT_FOUND:
            raise LeftOut("the route answers 404")
        infer = replace(installation.endpoint, path=INFER, shape="oip")
        await bench.first_answer(infer)
        yield infer


async def _router_arguments(bench: Workbench, workers: int) -> list[str]:
    if workers == 1:
        return []
    process = await asyncio.create_subprocess_exec(
        *bench.python("-m", "services", "router", "--help"), stdout=subprocess.PIPE
    )
    said, _ = await process.communicate()
    if b"--workers" not in said:
        raise LeftOut("the router has no --workers yet")
    return ["--workers", str(workers)]


@contextlib.asynccontextmanager
async def _review_queue(
    bench: Workbench, environment: Mapping[str, str], operator: str
) -> AsyncIterator[None]:
    """Run the review queue on SQLite, and make the project."""
    async with (
        running_review_queue(bench, environment, bench.cores.load),
        client_of(int(environment["SUREHAND_REVIEW_QUEUE_PORT"]), operator) as client,
    ):
        spec = {
            "labels": LABELS,
            "fields": {FIELD: {"type": "text"}},
            "promise": {"target_accuracy": 0.9, "audit_rate": AUDIT_RATE},
        }
        (await client.put(f"/v1/projects/{PROJECT}", json=spec)).raise_for_status()
        yield


@contextlib.asynccontextmanager
async def _router(
    bench: Workbench,
    environment: Mapping[str, str],
    token: str,
    arguments: list[str],
    cores: frozenset[int],
) -> AsyncIterator[Endpoint]:
    try:
        # As in its image: with what the router needs, and nothing else.
        python = await python_of("surehand", ROOT / "requirements" / "router.txt")
    except NotInstalled as error:
        raise LeftOut(str(error)) from error
    command = [str(python), "-m", "services", "router", *arguments]
    started = time.perf_counter()
    async with running(command, environment, bench.log("router"), cores) as server:
        port = int(environment["SUREHAND_ROUTER_PORT"])
        endpoint = Endpoint(server, port, PREDICT, "predict", token)
        await bench.first_answer(endpoint)
        yield replace(endpoint, start_seconds=time.perf_counter() - started)
