"""Gold that a reviewer skips "to me" comes again as any other task does."""

import pytest

from shared.contracts.tasks import Lease
from tests.harness.desk import Desk, body_of, entry
from tests.integration.review_queue.gold.crowd import Crowd
from tests.integration.review_queue.gold.people import add_gold, known


def items(leases: list[Lease]) -> list[str]:
    return [lease.task.item_id for lease in leases]


async def all_put_off(crowd: Crowd) -> list[str]:
    """Put off all gold, which comes first here; return it in that order."""
    await crowd.put(gold_rate=1.0, lease_seconds=60, blind=False)
    await crowd.add("right", 3)
    await crowd.post(4)
    put_off = []
    for _ in crowd.truth:
        (lease,) = await crowd.lease("r1")
        await crowd.put_off("r1", lease)
        put_off.append(lease.task.item_id)
        crowd.clock.advance(1)
    assert set(put_off) == set(crowd.truth)
    return put_off


async def test_gold_that_was_put_off_comes_behind_all_others(crowd: Crowd) -> None:
    put_off = await all_put_off(crowd)
    assert items(await crowd.lease("r1")) == ["ordinary-0"]
    assert items(await crowd.lease("r1", 5)) == [
        *("ordinary-1", "ordinary-2", "ordinary-3"),
        *put_off[:2],
    ]
    assert items(await crowd.lease("r1", 5)) == put_off[2:]


async def test_gold_that_was_put_off_comes_after_a_lease_time_and_before_all_others(
    crowd: Crowd,
) -> None:
    put_off = await all_put_off(crowd)
    crowd.clock.advance(57)
    assert items(await crowd.lease("r1", 2)) == [put_off[0], "ordinary-0"]
    crowd.clock.advance(2)
    assert items(await crowd.lease("r1", 3)) == [*put_off[1:], "ordinary-1"]


@pytest.mark.any_database
async def test_newcomer_gets_what_he_put_off_before_real_work(desk: Desk) -> None:
    await desk.put_project(review={"onboarding_tasks": 2, "lease_seconds": 60, "gold_rate": 0})
    await desk.post(entry("a"))
    await add_gold(desk, known("g1"))
    first = await desk.lease_one("r1")
    body_of(await desk.use("r1", first["token"], "skip", {"to": "me"}))
    await add_gold(desk, known("g2"))
    assert [one["task"]["item_id"] for one in await desk.lease("r1", 5)] == ["g2", "g1"]
