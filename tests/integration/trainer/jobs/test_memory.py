"""A file of any size is scored in the same memory."""

import tracemalloc
from collections.abc import AsyncIterator

import orjson
import pytest

from services.trainer.jobs import scoring, service
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import review
from tests.integration.trainer.jobs.parts import job_of, open_certified, work

pytestmark = pytest.mark.thorough

ROWS, PADDING, MOST_BYTES = 6_000, "and so on " * 400, 12_000_000


async def rows_of_a_large_file() -> AsyncIterator[bytes]:
    for number in range(ROWS):
        row = {"item_id": f"i-{number}", "notes": PADDING, **review(number)}
        yield orjson.dumps(row) + b"\n"


async def test_a_large_file_takes_no_more_memory_than_a_part_of_it(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PART_ROWS", 200)
    async with open_certified(common, sqlite_url) as parts:
        tracemalloc.start()
        try:
            job = await service.score_upload(
                parts.resources, parts.project, rows_of_a_large_file(), "jsonl", "olivia"
            )
            await work(parts)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        ended = await job_of(parts, job.job_id)
        assert (ended.state, ended.rows) == ("succeeded", ROWS)
        assert ROWS * len(PADDING) > 2 * MOST_BYTES - 1_000_000
        assert peak < MOST_BYTES
