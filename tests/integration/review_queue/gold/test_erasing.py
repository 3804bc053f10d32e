"""Gold that is erased is given to nobody, and who did what with gold is in the activity log."""

import pytest
from sqlalchemy import update

from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.tables.gold import ProbeRow
from shared.db import Database
from tests.harness.desk import Desk, body_of, entry, problem_of
from tests.harness.rows import tables_with
from tests.integration.review_queue.gold.people import add_gold, gold, known

REVIEW = {"max_overlap": 2, "lease_seconds": 60, "onboarding_tasks": 5, "gold_rate": 0}
SECRET = "Anna Muster, 7 Some Street"


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review=REVIEW)


@pytest.mark.own_desk
async def test_erased_gold_leaves_nothing_and_is_given_to_nobody(
    desk: Desk, settings: ReviewQueueSettings
) -> None:
    secret = {"explanation": SECRET, "data": {"text": SECRET}}
    await add_gold(desk, known("g1", "right", **secret))
    answered, held, back = [await desk.lease_one(name) for name in ("r1", "r2", "r3")]
    said = {"label": "positive", "comment": SECRET}
    body_of(await desk.use("r1", answered["token"], "verdict", said))
    body_of(await desk.use("r3", back["token"], "release"))
    assert await tables_with(settings.database_url, SECRET) == {"tasks", "gold", "probes"}
    body_of(await desk.operator.delete(desk.path("items/g1")))
    assert await tables_with(settings.database_url, SECRET) == set()
    assert await gold(desk) == {}
    problem_of(await desk.use("r2", held["token"], "verdict", {"label": "positive"}), 409,
               "lease-expired")  # fmt: skip
    await desk.post(entry("a"))
    for name in ("r2", "r3", "r4"):
        lease = await desk.lease_one(name)
        assert lease["task"]["item_id"] == "a"
        body_of(await desk.use(name, lease["token"], "release"))
    # It still tells of who answered it.
    listed = body_of(await desk.operator.get(desk.path("reviewers")))["reviewers"]
    assert [one["gold"] and one["gold"]["tasks"] for one in listed if one["reviewer"] == "r1"] == [
        1
    ]
    again = await desk.operator.post(desk.path("gold"), json={"items": [known("g1")]})
    assert [one["status"] for one in body_of(again)["items"]] == ["rejected"]


async def test_activity_log_tells_of_gold_and_pauses(desk: Desk) -> None:
    receipts = await add_gold(desk, known("g1"), known("g2"))
    task = desk.path(f"tasks/{receipts[0]['task_id']}/gold")
    await desk.operator.delete(task)
    body_of(await desk.operator.put(task, json={"label": "positive"}))
    await desk.operator.post(desk.path("reviewers/r1/pause"), json={"reason": "on leave"})
    for _ in range(2):
        await desk.operator.post(desk.path("reviewers/r1/resume"))
    told = body_of(await desk.operator.get(desk.path("activity")))["activity"]
    assert [(one["action"], one["actor"]) for one in reversed(told)][-5:] == [
        ("gold.added", "operator"),
        ("gold.retired", "operator"),
        ("gold.vouched", "operator"),
        ("reviewer.paused", "operator"),
        ("reviewer.resumed", "operator"),
    ]


async def test_a_pause_by_evidence_is_nobodys_act(desk: Desk) -> None:
    await desk.put_project(review=REVIEW | {"onboarding_tasks": 20, "least_accuracy": 0.8})
    await add_gold(desk, *(known(f"g{number}") for number in range(20)))
    for _ in range(20):
        answer = await desk.reviewer("r1").post(desk.path("leases"), json={"count": 1})
        if answer.status_code == 403:
            break
        (lease,) = body_of(answer)["leases"]
        await desk.verdict("r1", lease["token"], "negative")
    problem_of(answer, 403, "reviewer-paused")
    (told,) = body_of(
        await desk.operator.get(desk.path("activity"), params={"action": "reviewer.paused"})
    )["activity"]
    assert (told["actor"], told["target"], told["role"]) == ("surehand", "r1", None)


@pytest.mark.own_desk
async def test_a_probe_that_was_drawn_while_its_item_was_erased_takes_no_words(
    desk: Desk, settings: ReviewQueueSettings
) -> None:
    await desk.put_project(review=REVIEW | {"onboarding_tasks": 5})
    await add_gold(desk, known("g1"))
    lease = await desk.lease_one("r1")
    body_of(await desk.operator.delete(desk.path("items/g1")))
    # As if it had been written just after the erasure.
    database = Database(settings.database_url)
    async with database.transaction() as session:
        await session.execute(update(ProbeRow).values(ending=None, ended_at=None))
    await database.dispose()
    for action, body in (
        ("verdict", {"label": "positive", "comment": "Secretname again"}),
        ("skip", {"reason": "Secretname again"}),
    ):
        answer = await desk.use("r1", lease["token"], action, body)
        problem_of(answer, 409, "lease-expired")
    assert await tables_with(settings.database_url, "Secretname") == set()
