"""What an old lease is told once its item was leased anew: of gold what of any other task."""

import pytest

from tests.harness.desk import Desk, Json, body_of, entry, problem_of
from tests.integration.review_queue.gold.people import add_gold, known

pytestmark = pytest.mark.any_database

ANSWER: Json = {"label": "negative"}
# An ordinary task comes to "old" before there is gold; "new" onboards, with gold alone.
REVIEW: Json = {"max_overlap": 2, "lease_seconds": 60, "onboarding_tasks": 2, "gold_rate": 0}


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review=REVIEW)
    await desk.post(entry("a"))


async def both(desk: Desk) -> list[tuple[str, Json]]:
    """Lease an ordinary task to one reviewer, and gold to another."""
    ordinary = await desk.lease_one("old")
    await add_gold(desk, known("g1"))
    lease = await desk.lease_one("new")
    assert (ordinary["task"]["item_id"], lease["task"]["item_id"]) == ("a", "g1")
    return [("old", ordinary), ("new", lease)]


async def again(desk: Desk, name: str, lease: Json) -> str:
    """Lease the same item again; return the token."""
    # The ordinary task is not to be hidden from him behind gold.
    await desk.put_project(review=REVIEW | {"onboarding_tasks": 2 if name == "new" else 0})
    newer = await desk.lease_one(name)
    assert newer["task"] == lease["task"]
    return str(newer["token"])


async def told(desk: Desk, name: str, token: str, what: str, body: Json | None = None) -> Json:
    """What the old token is told, without what names the item."""
    problem = problem_of(await desk.use(name, token, what, body), 409, "lease-expired")
    outcome = problem["outcome"]
    shown = outcome and (outcome["label"], outcome["revision"])
    return {"state": problem["state"], "outcome": shown, "detail": problem["detail"]}


async def test_undone_lease_is_told_what_was_answered_under_the_next(desk: Desk) -> None:
    seen: list[list[Json]] = []
    for name, lease in await both(desk):
        old, lines = lease["token"], []
        await desk.verdict(name, old, "positive")
        body_of(await desk.use(name, old, "undo"))
        lines.append(await told(desk, name, old, "renew"))
        newer = await again(desk, name, lease)
        lines.append(await told(desk, name, old, "renew"))
        await desk.verdict(name, newer, "negative")
        lines.append(await told(desk, name, old, "renew"))
        body_of(await desk.use(name, newer, "undo"))
        lines.append(await told(desk, name, old, "renew"))
        seen.append(lines)
    assert seen[0] == seen[1]
    assert [line["state"] for line in seen[1]] == ["open", "leased", "resolved", "open"]
    assert seen[1][2]["outcome"] == ("negative", 3)


async def test_answer_under_an_expired_lease_is_told_what_was_answered_since(desk: Desk) -> None:
    leases = await both(desk)
    desk.clock.advance(61)
    seen: list[list[Json]] = []
    for name, lease in leases:
        old, lines = lease["token"], []
        lines.append(await told(desk, name, old, "verdict", ANSWER))
        newer = await again(desk, name, lease)
        lines.append(await told(desk, name, old, "verdict", ANSWER))
        await desk.verdict(name, newer, "positive")
        lines.append(await told(desk, name, old, "verdict", ANSWER))
        # To anybody else too.
        lines.append(await told(desk, "other", old, "renew"))
        seen.append(lines)
    assert seen[0] == seen[1]
    assert [line["state"] for line in seen[1]] == ["open", "leased", "resolved", "resolved"]
    assert seen[1][2]["outcome"] == ("positive", 1)
