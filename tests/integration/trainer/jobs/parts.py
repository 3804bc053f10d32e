"""A trainer with a certified version, and what works for its jobs."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson

from services.trainer.jobs import service
from services.trainer.jobs.messages import FileFormat, JobView
from services.trainer.jobs.results import open_result
from services.trainer.jobs.worker import JobWorker
from services.trainer.watch.lasting import renew_watch
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts


@contextlib.asynccontextmanager
async def open_certified(
    common: CommonSettings, database_url: str, pool: int = 60
) -> AsyncIterator[TrainerParts]:
    """Open a trainer whose v1 is certified, and watched."""
    async with open_trainer_parts(common, database_url) as parts:
        await parts.label(range(1000, 1060), truth)
        await parts.import_reviews(range(pool))
        await parts.publish_version()
        await parts.step()
        await renew_watch(parts.resources, parts.project, parts.clock())
        parts.queue.answer(truth)
        await parts.step()
        assert (await parts.promise()).versions["v1"].state == "certified"
        assert await parts.resources.leases.hold(PROJECT) is not None
        yield parts


async def pieces_of(body: bytes) -> AsyncIterator[bytes]:
    """Give a body in small pieces."""
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


async def begin(parts: TrainerParts, body: bytes, form: FileFormat = "jsonl") -> JobView:
    """Upload a file to be scored."""
    return await service.score_upload(
        parts.resources, parts.project, pieces_of(body), form, "olivia"
    )


async def work(parts: TrainerParts) -> None:
    """Let a worker that has just started carry all jobs on."""
    await JobWorker(parts.resources).loop.turn()


async def job_of(parts: TrainerParts, job_id: str) -> JobView:
    return await service.describe(parts.resources, PROJECT, job_id)


async def result_of(parts: TrainerParts, job_id: str) -> list[dict[str, Any]]:
    pieces = await open_result(parts.resources, PROJECT, job_id, "jsonl")
    return [orjson.loads(line) for line in b"".join([one async for one in pieces]).splitlines()]
