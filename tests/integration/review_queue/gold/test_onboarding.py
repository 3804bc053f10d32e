"""Who gets gold before real work, and what becomes of gold whose label is no longer asked for."""

import asyncio

import pytest

from tests.harness.desk import Desk, Json, body_of, entry
from tests.integration.review_queue.gold.people import add_gold, known, report

pytestmark = pytest.mark.any_database

# Onboarding gives gold and nothing else; after it none is drawn.
REVIEW: Json = {"max_overlap": 2, "lease_seconds": 60, "onboarding_tasks": 2, "gold_rate": 0}


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review=REVIEW)


async def skip(desk: Desk, token: str) -> None:
    body_of(await desk.use("r1", token, "skip", {}))


async def test_newcomer_passes_no_onboarding_by_skipping(desk: Desk) -> None:
    await add_gold(desk, *(known(f"g{number}") for number in range(3)))
    await desk.post(entry("a"))
    met: list[str] = []
    for _ in range(6):
        lease = await desk.lease_one("r1")
        met.append(lease["task"]["item_id"])
        await skip(desk, lease["token"])
    # What he has not had comes first, then what he has skipped least often.
    assert sorted(met[:3]) == sorted(met[3:]) == ["g0", "g1", "g2"]
    seen = await report(desk, "r1")
    assert (seen["onboarding_left"], seen["gold_left"]) == (2, 3)
    assert await desk.answer("r1", "positive")
    again = await desk.lease_one("r1")
    # What he holds is not given twice, and real work does not come beside it.
    assert await desk.lease("r1", 5) == []
    await desk.verdict("r1", again["token"], "positive")
    assert (await desk.lease_one("r1"))["task"]["item_id"] == "a"
    seen = await report(desk, "r1")
    assert (seen["onboarding_left"], seen["gold_left"], seen["gold"]["tasks"]) == (0, 0, 2)


async def test_newcomer_works_once_he_has_answered_what_gold_there_is(desk: Desk) -> None:
    await add_gold(desk, known("g1"))
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await skip(desk, lease["token"])
    assert (await desk.answer("r1", "positive"))["task_id"] == lease["task"]["task_id"]
    assert (await desk.lease_one("r1"))["task"]["item_id"] == "a"


async def test_newcomer_who_waits_gets_what_he_has_just_skipped(desk: Desk) -> None:
    await add_gold(desk, known("g1"))
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    waiting = asyncio.create_task(desk.lease("r1", wait_seconds=60))
    await asyncio.sleep(0)
    await skip(desk, lease["token"])
    (again,) = await waiting
    assert again["task"] == lease["task"]


async def test_gold_whose_label_is_gone_neither_comes_nor_counts(desk: Desk) -> None:
    await desk.put_project(labels=["negative", "positive", "gone"], review=REVIEW)
    await add_gold(desk, known("g1", label="gone"), known("g2", label="gone"))
    await desk.answer("r1", "negative")
    lease = await desk.lease_one("r1")
    assert (await report(desk, "r1"))["gold"]["tasks"] == 1
    await desk.put_project(review=REVIEW, allow_label_removal=True)
    await desk.post(entry("a"))
    body_of(await desk.use("r1", lease["token"], "release"))
    assert (await desk.lease_one("r1"))["task"]["item_id"] == "a"
    desk.clock.advance(86_400)
    seen = await report(desk, "r1")
    assert (seen["gold"], seen["gold_left"]) == (None, 0)
    assert body_of(await desk.reviewer("r1").get(desk.path("reviewers/me")))["gold"] is None
    # It is gold again, and counts again, when the label comes back.
    await desk.put_project(labels=["negative", "positive", "gone"], review=REVIEW)
    assert (await report(desk, "r1"))["gold"]["tasks"] == 1
    assert (await desk.lease_one("r1"))["task"] == lease["task"]


async def test_nobody_becomes_a_newcomer_again_because_labels_went(desk: Desk) -> None:
    await desk.put_project(labels=["negative", "positive", "gone"], review=REVIEW)
    await add_gold(desk, known("g1", label="gone"), known("g2", label="gone"))
    for _ in range(2):
        await desk.answer("r1", "negative")
    await desk.post(*(entry(f"a{number}") for number in range(3)))
    await desk.answer("r1", "negative")
    await add_gold(desk, known("g3"), known("g4"))
    await desk.put_project(review=REVIEW, allow_label_removal=True)
    assert {one["task"]["item_id"] for one in await desk.lease("r1", 2)} == {"a1", "a2"}
    seen = await report(desk, "r1")
    # His accuracy is told from what the project asks about.
    assert (seen["onboarding_left"], seen["gold"]) == (0, None)


async def test_veteran_never_gets_again_what_he_has_skipped(desk: Desk) -> None:
    await desk.put_project(labels=["negative", "positive", "gone"], review=REVIEW)
    await add_gold(desk, known("h"))
    await skip(desk, (await desk.lease_one("r1"))["token"])
    await add_gold(desk, known("g1", label="gone"), known("g2", label="gone"))
    for _ in range(2):
        await desk.answer("r1", "negative")
    await desk.put_project(review=REVIEW, allow_label_removal=True)
    await desk.post(entry("a"))
    assert [one["task"]["item_id"] for one in await desk.lease("r1", 5)] == ["a"]
