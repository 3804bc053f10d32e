"""Each verdict keeps the revision of the instructions that its reviewer had."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.harness.desk import Desk, body_of, entry
from tests.integration.review_queue.exchange.files import records_of

pytestmark = pytest.mark.own_desk

TWO = {"overlap": 2, "max_overlap": 3, "lease_seconds": 60}


async def run(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        result = await connection.execute(text(statement))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    await engine.dispose()
    return rows


async def exported(desk: Desk) -> dict[str, int | None]:
    found = [one for record in await records_of(desk) for one in record["verdicts"]]
    return {one["reviewer"]: one["instructions_revision"] for one in found}


async def test_answers_of_every_way_are_stamped(desk: Desk, database_url: str) -> None:
    await desk.put_project()
    await desk.post(entry("plain"))
    await desk.answer("r1", "negative")
    await desk.put_project(review=TWO)
    (receipt,) = await desk.post(entry("of several"))
    lease = await desk.lease_one("r2")
    await desk.put_project(review=TWO, instructions="Read it twice.")
    # He has the instructions that came with the lease.
    await desk.verdict("r2", lease["token"], "negative")
    lease = await desk.lease_one("r3")
    await desk.use("r3", lease["token"], "skip", {"reason": "unclear"})
    path = f"/v1/projects/shop/tasks/{receipt['task_id']}/verdicts"
    body_of(await desk.service.post(path, json={"reviewer": "r4", "label": "negative"}))
    kept = await run(database_url, "SELECT reviewer, instructions_revision FROM verdicts")
    stamps = {"r1": 1, "r2": 1, "r3": 2, "r4": 2}
    assert dict(kept) == stamps
    assert await exported(desk) == stamps


async def test_a_verdict_that_a_replica_of_the_release_before_wrote_has_its_leases_stamp(
    desk: Desk, database_url: str
) -> None:
    await desk.put_project()
    await desk.post(entry("a"))
    await desk.answer("r1", "negative")
    await run(database_url, "UPDATE verdicts SET instructions_revision = NULL")
    assert await exported(desk) == {"r1": 1}
