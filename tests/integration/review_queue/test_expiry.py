"""Optional tasks end by themselves when their time is over; nobody else's do."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from services.review_queue.lifecycle.expiry import close_expired
from services.review_queue.lifecycle.rechecking import Rechecks
from shared.contracts.base import rfc3339
from shared.db import Database
from shared.store import Store
from tests.harness import wait_until
from tests.harness.desk import Desk, Json, body_of, entry

pytestmark = pytest.mark.any_database

SECONDS = 100


def optional(desk: Desk, item_id: str, seconds: float | None = SECONDS) -> Json:
    """An optional task that expires in so many seconds."""
    due_at = None if seconds is None else rfc3339(desk.clock() + timedelta(seconds=seconds))
    return entry(item_id, lane="optional", due_at=due_at)


async def item_of(desk: Desk, item_id: str, wait_seconds: float = 0) -> Json:
    url = desk.path(f"outcomes/{item_id}")
    return body_of(await desk.service.get(url, params={"wait_seconds": wait_seconds}))


async def is_closed(desk: Desk, item_id: str) -> bool:
    return bool((await item_of(desk, item_id))["status"] == "resolved")


async def test_unanswered_task_is_closed_without_a_label(desk: Desk) -> None:
    await desk.put_project()
    (receipt,) = await desk.post(optional(desk, "a"))
    waiting = asyncio.create_task(item_of(desk, "a", wait_seconds=60))
    desk.clock.advance(SECONDS - 1)
    (held,) = await desk.lease("r1")
    await desk.use("r1", held["token"], "release")
    desk.clock.advance(1)
    assert await desk.lease("r2") == []
    # Who waits is answered: nobody has decided, and nobody will.
    told = await waiting
    assert (told["status"], told["label"], told["source"]) == ("resolved", None, "expiry")
    (outcome,) = (await desk.outcomes())["outcomes"]
    assert (outcome["label"], outcome["source"], outcome["verdicts"]) == (None, "expiry", 0)
    assert (outcome["lane"], outcome["revision"]) == ("optional", 1)
    assert outcome["resolved_at"] == rfc3339(desk.clock())
    task = await desk.task(receipt["task_id"])
    assert (task["state"], task["source"]) == ("resolved", "expiry")
    assert task["timeline"][-1]["kind"] == "resolved"
    assert task["timeline"][-1]["detail"]["source"] == "expiry"
    queue = body_of(await desk.operator.get(desk.path("queue")))
    assert (queue["open"], queue["leased"]) == (0, 0)


async def test_only_optional_tasks_with_a_due_date_expire(desk: Desk) -> None:
    await desk.put_project()
    due_at = rfc3339(desk.clock() + timedelta(seconds=SECONDS))
    others = ["mandatory", "pool", "audit", "certification", "relabel"]
    await desk.post(
        optional(desk, "expires"),
        optional(desk, "lasts", None),
        *(entry(lane, lane=lane, due_at=due_at) for lane in others),
    )
    desk.clock.advance(SECONDS)
    await wait_until(lambda: is_closed(desk, "expires"))
    leases = await desk.lease("r1", count=10)
    assert {one["task"]["item_id"] for one in leases} == {"lasts", *others}


async def test_task_that_somebody_holds_is_answered_and_closed_once_nobody_does(
    desk: Desk,
) -> None:
    await desk.put_project(review={"lease_seconds": 60})
    await desk.post(optional(desk, "answered", 30), optional(desk, "left", 30))
    held = {one["task"]["item_id"]: one["token"] for one in await desk.lease("r1", count=2)}
    desk.clock.advance(40)
    progress = await desk.verdict("r1", held["answered"], "negative")
    assert progress["outcome"]["label"] == "negative"
    assert not await is_closed(desk, "left")
    desk.clock.advance(20)
    await wait_until(lambda: is_closed(desk, "left"))
    late = await desk.use("r1", held["left"], "verdict", {"label": "negative"})
    assert late.status_code == 409
    assert late.json()["outcome"] == {"label": None, "revision": 1}


async def test_answers_that_decided_nothing_are_counted_and_kept(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 2, "max_overlap": 3})
    (receipt,) = await desk.post(optional(desk, "a"))
    await desk.answer("r1", "positive")
    desk.clock.advance(SECONDS)
    await wait_until(lambda: is_closed(desk, "a"))
    (outcome,) = (await desk.outcomes())["outcomes"]
    assert (outcome["label"], outcome["verdicts"], outcome["source"]) == (None, 1, "expiry")
    # Asked for again, the first opinion still counts.
    await desk.post(entry("a", lane="relabel"))
    progress = await desk.answer("r2", "positive")
    assert progress["task_id"] == receipt["task_id"]
    assert progress["outcome"] == {"label": "positive", "revision": 3}
    assert (await desk.newest("a"))["verdicts"] == 2


async def test_disputed_task_waits_for_its_adjudicator(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 2, "max_overlap": 2})
    await desk.post(optional(desk, "disputed"), optional(desk, "expires"))
    leases = await desk.lease("r1", count=2)
    held = {one["task"]["item_id"]: one["token"] for one in leases}
    await desk.use("r1", held["disputed"], "skip", {"to": "adjudicator"})
    await desk.use("r1", held["expires"], "release")
    desk.clock.advance(SECONDS)
    await wait_until(lambda: is_closed(desk, "expires"))
    assert not await is_closed(desk, "disputed")


async def test_item_that_is_needed_after_all_does_not_expire(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(optional(desk, "open"), optional(desk, "leased"), optional(desk, "expires"))
    leases = await desk.lease("r1", count=3)
    for one in leases:
        if one["task"]["item_id"] != "leased":
            await desk.use("r1", one["token"], "release")
    await desk.post(entry("open"), entry("leased", lane="audit"))
    desk.clock.advance(SECONDS)
    await wait_until(lambda: is_closed(desk, "expires"))
    desk.clock.advance(SECONDS)
    left = await desk.lease("r2", count=3)
    assert {one["task"]["item_id"] for one in left} == {"open", "leased"}


@pytest.mark.parametrize("overlap", [1, 2])
async def test_task_that_was_given_back_expires_for_its_reviewer_too(
    desk: Desk, overlap: int
) -> None:
    await desk.put_project(review={"lease_seconds": 60, "overlap": overlap})
    await desk.post(optional(desk, "a", 30), entry("b"))
    for lease in await desk.lease("r1", count=2):
        await desk.use("r1", lease["token"], "release")
    desk.clock.advance(30)
    assert [one["task"]["item_id"] for one in await desk.lease("r1", count=2)] == ["b"]


async def test_later_of_two_expiries_counts(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(optional(desk, "later"), optional(desk, "first"), optional(desk, "never"))
    await desk.post(optional(desk, "later", 3 * SECONDS), optional(desk, "first", SECONDS / 2))
    await desk.post(optional(desk, "never", None))
    desk.clock.advance(SECONDS)
    await wait_until(lambda: is_closed(desk, "first"))
    assert not await is_closed(desk, "later")
    desk.clock.advance(2 * SECONDS)
    await wait_until(lambda: is_closed(desk, "later"))
    assert [one["task"]["item_id"] for one in await desk.lease("r1", count=3)] == ["never"]


async def test_expired_item_that_is_asked_for_anew_is_opened_again(desk: Desk) -> None:
    await desk.put_project()
    first = [optional(desk, "needed"), optional(desk, "other"), optional(desk, "repeated")]
    receipts = await desk.post(*first)
    desk.clock.advance(SECONDS)
    for item_id in ("needed", "other", "repeated"):
        await wait_until(lambda item_id=item_id: is_closed(desk, item_id))  # type: ignore[misc]
    # The same call once more, as after a lost answer, opens nothing.
    again = await desk.post(*first)
    assert [one["state"] for one in again] == ["resolved"] * 3
    other = {**entry("other"), "data": {"text": "something else"}}
    needed, conflict = await desk.post(entry("needed"), other)
    assert (needed["status"], needed["state"]) == ("existing", "open")
    assert conflict["status"] == "conflict"
    task = await desk.task(receipts[0]["task_id"])
    assert (task["lane"], task["state"], task["revision"]) == ("mandatory", "open", 2)
    assert task["due_at"] == rfc3339(desk.clock() + timedelta(hours=1))
    await desk.answer("r1", "negative")
    outcome = await desk.newest("needed")
    assert (outcome["revision"], outcome["label"]) == (3, "negative")
    (later,) = await desk.post(optional(desk, "repeated"))
    assert later["state"] == "open"
    desk.clock.advance(SECONDS)
    await wait_until(lambda: is_closed(desk, "repeated"))


async def test_task_that_an_operator_reopens_lasts(desk: Desk) -> None:
    await desk.put_project()
    receipt, _ = await desk.post(optional(desk, "a"), optional(desk, "b", 2 * SECONDS))
    desk.clock.advance(SECONDS)
    await wait_until(lambda: is_closed(desk, "a"))
    url = desk.path(f"tasks/{receipt['task_id']}/reopen")
    body_of(await desk.operator.post(url))
    desk.clock.advance(SECONDS)
    await wait_until(lambda: is_closed(desk, "b"))
    assert (await desk.lease_one("r1"))["task"]["item_id"] == "a"


async def test_what_expires_is_not_counted_as_work(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(optional(desk, "a"), entry("b"))
    await desk.answer("r1", "negative")
    desk.clock.advance(SECONDS)
    await wait_until(lambda: is_closed(desk, "a"))
    queue = body_of(await desk.operator.get(desk.path("queue?window_seconds=3600")))
    assert queue["resolution_rate"] * 3600 == pytest.approx(1)


@pytest.mark.sql
async def test_replicas_that_close_at_once_close_each_task_once(desk: Desk, tmp_path: Path) -> None:
    await desk.put_project()
    await desk.post(*(optional(desk, f"item-{number}") for number in range(700)))
    later = desk.clock() + timedelta(seconds=SECONDS)
    databases = [Database(desk.database_url) for _ in range(3)]
    rechecks = Rechecks(Store(tmp_path.as_uri()))
    await asyncio.gather(*(close_expired(database, rechecks, later) for database in databases))
    # Who found all locked by others left it to the next look.
    await close_expired(databases[0], rechecks, later)
    for database in databases:
        await database.dispose()
    outcomes = (await desk.outcomes(limit=1000))["outcomes"]
    assert len(outcomes) == 700
    assert {(one["revision"], one["source"]) for one in outcomes} == {(1, "expiry")}


@pytest.mark.own_desk
async def test_what_was_said_with_a_suggestion_in_sight_is_no_evidence(desk: Desk) -> None:
    review = {"blind": False, "overlap": 2, "max_overlap": 3, "lease_seconds": 60}
    await desk.put_project(review=review)
    prediction = {"label": "positive", "confidence": 0.9, "model_version": "v1"}
    await desk.post({**optional(desk, "a"), "prediction": prediction})
    lease = await desk.lease_one("r1")
    assert lease["task"]["suggestion"] == {"label": "positive", "confidence": 0.9}
    await desk.verdict("r1", lease["token"], "positive")
    desk.clock.advance(2 * SECONDS)
    await wait_until(lambda: is_closed(desk, "a"))
    await desk.post(entry("a", lane="certification", prediction=prediction))
    await desk.answer("r2", "negative")
    await desk.answer("r1", "negative")
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["verdicts"]) == ("negative", 2)
