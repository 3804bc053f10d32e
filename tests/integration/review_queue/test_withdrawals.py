"""Withdrawals: tasks of a draw that ended early ask no reviewer for a label that nothing reads."""

from typing import Any

import pytest

from tests.harness.cases import further
from tests.harness.desk import Desk, body_of, entry, problem_of

DRAWN = ["certification", "shadow"]


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review={"lease_seconds": 60, "due_seconds": 600})


async def withdraw(desk: Desk, *item_ids: str) -> list[str]:
    """Withdraw the tasks of these items; return their statuses."""
    body = {"item_ids": list(item_ids)}
    receipts = body_of(await desk.service.post(desk.path("withdrawals"), json=body))["items"]
    assert [one["item_id"] for one in receipts] == list(item_ids)
    return [one["status"] for one in receipts]


async def task_of(desk: Desk, item_id: str) -> Any:
    tasks = body_of(await desk.service.get(desk.path("tasks?limit=1000")))["tasks"]
    return next(task for task in tasks if task["item_id"] == item_id)


async def draw(desk: Desk, *item_ids: str, lane: str = "certification") -> None:
    await desk.post(*(entry(item_id, lane=lane) for item_id in item_ids))


@pytest.mark.parametrize("draw_lane", DRAWN)
async def test_an_open_task_is_closed_without_an_answer(desk: Desk, draw_lane: str) -> None:
    await draw(desk, "a", "b", lane=draw_lane)
    assert await withdraw(desk, "a") == ["withdrawn"]
    assert await withdraw(desk, "a") == ["withdrawn"]
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["source"], outcome["verdicts"]) == (None, "expiry", 0)
    assert outcome["revision"] == 1
    (lease,) = await desk.lease("r1", 5)
    assert lease["task"]["item_id"] == "b"


async def test_a_withdrawn_item_can_be_asked_about_later(desk: Desk) -> None:
    await draw(desk, "a")
    await withdraw(desk, "a")
    (receipt,) = await desk.post(entry("a", lane="audit"))
    assert receipt["state"] == "open"
    await desk.answer("r1", "positive")
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["lane"], outcome["blind"]) == ("positive", "audit", True)


@pytest.mark.parametrize("draw_lane", DRAWN)
@pytest.mark.any_database
async def test_a_task_that_a_reviewer_holds_is_finished(desk: Desk, draw_lane: str) -> None:
    await draw(desk, "a", "b", lane=draw_lane)
    leases = {lease["task"]["item_id"]: lease for lease in await desk.lease("r1", 2)}
    assert await withdraw(desk, "a", "b") == ["leased", "leased"]
    await desk.verdict("r1", leases["a"]["token"], "positive")
    desk.clock.advance(61)
    assert await withdraw(desk, "a", "b") == ["kept", "withdrawn"]
    assert (await desk.newest("a"))["label"] == "positive"


@pytest.mark.parametrize("lane", ["mandatory", *further("optional", "audit", "pool")])
@pytest.mark.parametrize("asked_first", [True, False])
@pytest.mark.any_database
async def test_a_task_that_another_call_needs_goes_to_its_lane(
    desk: Desk, lane: str, asked_first: bool
) -> None:
    calls = [entry("a", lane=lane), entry("a", lane="certification")]
    for call in calls if asked_first else reversed(calls):
        await desk.post(call)
        await desk.post(call)
    assert (await task_of(desk, "a"))["lane"] == "certification"
    assert await withdraw(desk, "a") == ["returned"]
    task = await task_of(desk, "a")
    assert (task["state"], task["lane"]) == ("open", "mandatory" if lane == "optional" else lane)
    assert (task["due_at"] is not None) == (task["lane"] == "mandatory")
    assert await withdraw(desk, "a") == ["kept"]
    await desk.answer("r1", "positive")
    assert (await desk.newest("a"))["label"] == "positive"


@pytest.mark.parametrize("lane", ["optional", "pool", "relabel"])
@pytest.mark.any_database
async def test_a_shadow_task_goes_to_the_lane_that_it_was_asked_for_in(
    desk: Desk, lane: str
) -> None:
    await draw(desk, "a", lane="shadow")
    for _ in range(2):
        await desk.post(entry("a", lane=lane))
    task = await task_of(desk, "a")
    assert (task["lane"], await desk.kinds(task["task_id"])) == ("shadow", ["created", "asked"])
    assert await withdraw(desk, "a") == ["returned"]
    task = await task_of(desk, "a")
    assert (task["state"], task["lane"]) == ("open", "mandatory" if lane == "optional" else lane)
    assert await withdraw(desk, "a") == ["kept"]


@pytest.mark.parametrize("first", DRAWN)
@pytest.mark.parametrize("is_held", [True, False])
@pytest.mark.any_database
async def test_a_task_that_both_draws_need_is_kept(desk: Desk, first: str, is_held: bool) -> None:
    (second,) = set(DRAWN) - {first}
    await draw(desk, "a", lane=first)
    if is_held:
        await desk.lease_one("r1")
    await draw(desk, "a", lane=second)
    desk.clock.advance(61)
    assert await withdraw(desk, "a") == ["kept"]
    assert (await task_of(desk, "a"))["lane"] == (first if is_held else "certification")
    await desk.answer("r2", "positive")
    assert (await desk.newest("a"))["blind"]


@pytest.mark.parametrize("draw_lane", DRAWN)
@pytest.mark.any_database
async def test_a_call_for_a_held_task_is_remembered(desk: Desk, draw_lane: str) -> None:
    await draw(desk, "a", lane=draw_lane)
    await desk.lease_one("r1")
    await desk.post(entry("a", lane="mandatory"))
    await desk.post(entry("a", lane="mandatory"))
    desk.clock.advance(61)
    assert await withdraw(desk, "a") == ["returned"]
    task = await task_of(desk, "a")
    assert (task["state"], task["lane"]) == ("open", "mandatory")
    kinds = await desk.kinds(task["task_id"])
    assert kinds == ["created", "leased", "asked", "expired", "moved"]


async def test_what_has_an_answer_or_another_lane_is_kept(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 2, "max_overlap": 3})
    await draw(desk, "half", "reopened")
    await desk.post(entry("audit", lane="audit"))
    for lease in await desk.lease("r1", 3):
        path = "verdict" if lease["task"]["item_id"] == "half" else "release"
        body = {"label": "positive"} if path == "verdict" else None
        body_of(await desk.use("r1", lease["token"], path, body))
    await withdraw(desk, "reopened")
    task = await task_of(desk, "reopened")
    body_of(await desk.operator.post(desk.path(f"tasks/{task['task_id']}/reopen")))
    statuses = await withdraw(desk, "half", "audit", "unknown", "reopened")
    assert statuses == ["kept", "kept", "kept", "returned"]
    assert (await task_of(desk, "reopened"))["lane"] == "relabel"


@pytest.mark.any_database
async def test_who_may_withdraw(desk: Desk) -> None:
    body = {"item_ids": ["a"]}
    answer = await desk.reviewer("r1").post(desk.path("withdrawals"), json=body)
    problem_of(answer, 403, "forbidden")
    answer = await desk.service.post(desk.path("withdrawals"), json={"item_ids": []})
    problem_of(answer, 422, "unprocessable")
    await draw(desk, "a", "b")
    assert await withdraw(desk, "a", "unknown") == ["withdrawn", "kept"]
    lines = body_of(await desk.operator.get(desk.path("activity?action=tasks.withdrawn")))
    (line,) = next(rows for rows in lines.values() if isinstance(rows, list))
    assert (line["actor"], line["detail"]) == ("service", {"withdrawn": 1})
