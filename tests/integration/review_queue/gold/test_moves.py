"""What holders of gold do: to them it is a task like any other."""

import asyncio
from typing import Any

import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.clock import Clock
from tests.harness.desk import Desk, Json, body_of, entry, open_desk, problem_of
from tests.integration.review_queue.gold.people import add_gold, feed, gold, known, report

pytestmark = pytest.mark.any_database

# Onboarding gives gold and nothing else; after it none is drawn.
REVIEW: Json = {"max_overlap": 2, "lease_seconds": 60, "onboarding_tasks": 2, "gold_rate": 0}


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review=REVIEW)


def shape(value: Any) -> Any:
    """The names and types in a message, without its values."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    return type(value).__name__


async def used(desk: Desk, name: str, token: str, what: str, body: Json | None = None) -> Json:
    return body_of(await desk.use(name, token, what, body))


async def test_gold_is_leased_and_answered_as_any_task_is(desk: Desk) -> None:
    await desk.post(entry("a"))
    ordinary = await desk.lease_one("r0")
    told = await desk.verdict("r0", ordinary["token"], "negative")
    await add_gold(desk, known("g1"))
    before = await feed(desk)
    lease = await desk.lease_one("r1")
    assert lease["task"]["item_id"] == "g1"
    assert shape(lease) == shape(ordinary)
    assert lease["expires_at"] == ordinary["expires_at"]
    progress = await desk.verdict("r1", lease["token"], "negative")
    assert shape(progress) == shape(told)
    assert progress["outcome"] == told["outcome"] == {"label": "negative", "revision": 1}
    # Nobody else learns of it: no outcome, no line in its timeline.
    assert await feed(desk) == before
    task = await desk.task(lease["task"]["task_id"])
    assert (task["label"], task["revision"], task["state"]) == ("positive", 1, "resolved")
    assert [line["kind"] for line in task["timeline"]] == ["created", "adjudicated", "resolved"]
    assert (await gold(desk))["g1"]["answered"] == 1


async def test_first_opinion_of_several_leaves_the_task_open(desk: Desk) -> None:
    await desk.put_project(review=REVIEW | {"overlap": 2})
    await add_gold(desk, known("g1"))
    progress = await desk.answer("r1", "positive")
    assert (progress["state"], progress["outcome"]) == ("open", None)


@pytest.mark.sql
async def test_many_reviewers_have_the_same_gold_at_once_and_nobody_twice(desk: Desk) -> None:
    await add_gold(desk, known("g1"))
    names = [f"r{number}" for number in range(5)]
    leases = {name: await desk.lease_one(name) for name in names}
    assert len({lease["token"] for lease in leases.values()}) == 5
    assert await desk.lease("r0") == []
    for number, (name, lease) in enumerate(leases.items()):
        label = "positive" if number < 3 else "negative"
        await desk.verdict(name, lease["token"], label)
        assert await desk.lease(name, 5) == []
    one = (await gold(desk))["g1"]
    assert (one["answered"], one["right"]) == (5, 3)


async def test_who_answered_the_task_before_does_not_get_it_as_gold(desk: Desk) -> None:
    await desk.put_project(review=REVIEW | {"onboarding_tasks": 0})
    await desk.post(entry("a"))
    task_id = (await desk.answer("r1", "positive"))["task_id"]
    await desk.put_project(review=REVIEW)
    body_of(await desk.operator.put(desk.path(f"tasks/{task_id}/gold"), json={"label": "positive"}))
    assert await desk.lease("r1") == []
    assert (await report(desk, "r1"))["gold_left"] == 0
    assert (await desk.lease_one("r2"))["task"]["item_id"] == "a"


async def test_repeated_answer_gets_the_same_reply_and_another_is_refused(desk: Desk) -> None:
    await add_gold(desk, known("g1"))
    lease = await desk.lease_one("r1")
    token = lease["token"]
    body = {"label": "positive", "active_seconds": 3.5, "comment": "sure"}
    first = await used(desk, "r1", token, "verdict", body)
    desk.clock.advance(3600)
    assert await used(desk, "r1", token, "verdict", body) == first
    problem_of(await desk.use("r1", token, "verdict", {"label": "negative"}), 409, "conflict")
    problem_of(await desk.use("r1", token, "skip", {}), 409, "conflict")
    problem_of(await desk.use("r1", token, "renew"), 409, "lease-expired")
    assert (await gold(desk))["g1"]["answered"] == 1
    unknown = await desk.use("r1", token, "verdict", {"label": "neither"})
    problem_of(unknown, 409, "conflict")


async def test_bad_answer_is_refused_and_the_lease_still_holds(desk: Desk) -> None:
    await add_gold(desk, known("g1"))
    token = (await desk.lease_one("r1"))["token"]
    refused = await desk.use("r1", token, "verdict", {"label": "neither"})
    assert problem_of(refused, 422, "unprocessable")["errors"][0]["pointer"] == "/label"
    assert (await desk.verdict("r1", token, "positive"))["state"] == "resolved"


async def test_lease_is_its_holders_and_its_projects(desk: Desk) -> None:
    await desk.put_project(desk.named("other"))
    await add_gold(desk, known("g1"))
    token = (await desk.lease_one("r1"))["token"]
    for what, body in (("verdict", {"label": "positive"}), ("skip", {}), ("undo", None)):
        theirs = await desk.use("r2", token, what, body)
        assert problem_of(theirs, 409, "lease-expired")["state"] == "leased"
        narrow = desk.of("reviewer", "r1", desk.named("other"))
        answer = await narrow.post(f"/v1/leases/{token}/{what}", json=body)
        assert problem_of(answer, 403, "forbidden")["project"] == desk.project
    problem_of(
        await desk.use("r1", "A" * 43, "verdict", {"label": "positive"}), 409, "lease-expired"
    )


async def test_expired_gold_comes_again_and_its_old_lease_is_void(desk: Desk) -> None:
    await add_gold(desk, known("g1"), known("g2"))
    lease = await desk.lease_one("r1")
    desk.clock.advance(50)
    await used(desk, "r1", lease["token"], "renew")
    desk.clock.advance(50)
    renewed = await used(desk, "r1", lease["token"], "renew")
    assert renewed["token"] == lease["token"]
    desk.clock.advance(60)
    late = await desk.use("r1", lease["token"], "verdict", {"label": "positive"})
    assert problem_of(late, 409, "lease-expired")["state"] == "open"
    again = await desk.lease_one("r1")
    assert again["task"] == lease["task"]
    late = await desk.use("r1", lease["token"], "verdict", {"label": "positive"})
    problem_of(late, 409, "lease-expired")
    await desk.verdict("r1", again["token"], "positive")
    assert (await gold(desk))[lease["task"]["item_id"]]["answered"] == 1


async def test_released_gold_comes_again_first(desk: Desk) -> None:
    await add_gold(desk, *(known(f"g{number}") for number in range(9)))
    lease = await desk.lease_one("r1")
    for _ in range(2):
        released = await used(desk, "r1", lease["token"], "release")
        assert released == {"task_id": lease["task"]["task_id"], "state": "open", "outcome": None}
    again = await desk.lease_one("r1")
    assert again["task"] == lease["task"]
    assert again["token"] != lease["token"]


async def test_skipped_gold_is_not_given_again_and_is_no_answer(desk: Desk) -> None:
    await desk.put_project(review=REVIEW | {"onboarding_tasks": 0, "gold_rate": 1})
    await add_gold(desk, known("g1"))
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    for _ in range(2):
        skipped = await used(desk, "r1", lease["token"], "skip", {"reason": "unclear"})
        assert (skipped["state"], skipped["outcome"]) == ("open", None)
    assert [one["task"]["item_id"] for one in await desk.lease("r1", 9)] == ["a"]
    seen = await report(desk, "r1")
    assert (seen["verdicts"], seen["skips"], seen["gold"]) == (0, 1, None)
    assert (seen["onboarding_left"], seen["gold_left"]) == (0, 0)
    assert (await gold(desk))["g1"]["skipped"] == 1


async def test_gold_that_is_put_off_comes_again(desk: Desk) -> None:
    await add_gold(desk, known("g1"))
    lease = await desk.lease_one("r1")
    await used(desk, "r1", lease["token"], "skip", {"to": "me"})
    problem_of(await desk.use("r1", lease["token"], "undo"), 409, "conflict")
    again = await desk.lease_one("r1")
    assert again["task"]["item_id"] == "g1"
    await desk.verdict("r1", again["token"], "positive")
    assert (await report(desk, "r1"))["skips"] == 0


async def test_only_skip_of_a_task_that_one_person_is_asked_resolves_it(desk: Desk) -> None:
    await desk.put_project(review=REVIEW | {"max_overlap": 1})
    await add_gold(desk, known("g1"))
    lease = await desk.lease_one("r1")
    skipped = await used(desk, "r1", lease["token"], "skip", {})
    assert (skipped["state"], skipped["outcome"]["label"]) == ("resolved", None)
    assert await feed(desk) == [("g1", 1, "positive")]


async def test_undone_answer_counts_no_longer_and_its_item_is_next(desk: Desk) -> None:
    await add_gold(desk, *(known(f"g{number}") for number in range(9)))
    before = await feed(desk)
    lease = await desk.lease_one("r1")
    problem_of(await desk.use("r1", lease["token"], "undo"), 409, "conflict")
    await desk.verdict("r1", lease["token"], "negative")
    undone = await used(desk, "r1", lease["token"], "undo")
    assert undone["state"] == "open"
    assert undone["outcome"] == {"label": None, "revision": 2}
    assert await used(desk, "r1", lease["token"], "undo") == undone
    problem_of(
        await desk.use("r1", lease["token"], "verdict", {"label": "negative"}), 409, "conflict"
    )
    renewed = await desk.use("r1", lease["token"], "renew")
    problem = problem_of(renewed, 409, "lease-expired")
    assert (problem["state"], problem["outcome"]) == ("open", None)
    assert (await report(desk, "r1"))["gold"] is None
    again = await desk.lease_one("r1")
    assert again["task"] == lease["task"]
    progress = await desk.verdict("r1", again["token"], "positive")
    assert progress["outcome"]["revision"] == 3
    seen = (await report(desk, "r1"))["gold"]
    assert (seen["tasks"], seen["right"]) == (1, 1)
    assert await feed(desk) == before


async def test_undone_skip_comes_again(desk: Desk) -> None:
    await add_gold(desk, known("g1"))
    lease = await desk.lease_one("r1")
    await used(desk, "r1", lease["token"], "skip", {})
    undone = await used(desk, "r1", lease["token"], "undo")
    assert (undone["state"], undone["outcome"]) == ("open", None)
    assert await used(desk, "r1", lease["token"], "undo") == undone
    assert (await report(desk, "r1"))["skips"] == 0
    assert (await desk.lease_one("r1"))["task"]["item_id"] == "g1"


async def test_reopened_gold_is_an_ordinary_task_again(desk: Desk) -> None:
    await add_gold(desk, known("g1"), known("g2"))
    lease = await desk.lease_one("r1")
    await desk.verdict("r1", lease["token"], "negative")
    undone = lease["task"]["item_id"]
    await used(desk, "r1", lease["token"], "undo")
    task_id = lease["task"]["task_id"]
    body_of(await desk.operator.post(desk.path(f"tasks/{task_id}/reopen")))
    desk.clock.advance(3)
    (left,) = await desk.lease("r1")
    assert left["task"]["item_id"] != undone
    await desk.verdict("r1", left["token"], "positive")
    # No gold is left for him: real work, the reopened task, does not wait for ever.
    (ordinary,) = await desk.lease("r1")
    assert ordinary["task"]["item_id"] == undone
    await desk.verdict("r1", ordinary["token"], "negative")
    assert (await feed(desk))[-1] == (undone, 3, "negative")


async def test_corrected_label_is_held_against_nobody(desk: Desk) -> None:
    await add_gold(desk, known("g1"))
    await desk.answer("r1", "negative")
    assert (await report(desk, "r1"))["gold"]["right"] == 0
    (one,) = (await gold(desk)).values()
    address = desk.path(f"tasks/{one['task_id']}")
    body_of(await desk.operator.post(f"{address}/reopen"))
    body_of(await desk.operator.post(f"{address}/adjudicate", json={"label": "negative"}))
    assert (await report(desk, "r1"))["gold"] is None


async def test_answers_count_in_what_a_reviewer_sees_and_gold_only_the_next_day(
    desk: Desk,
) -> None:
    await add_gold(desk, known("g1", "right"), known("g2", "wrong"))
    for label in ("positive", "negative"):
        lease = await desk.lease_one("r1")
        body = {"label": label, "active_seconds": 4.0}
        await used(desk, "r1", lease["token"], "verdict", body)
    me = desk.reviewer("r1")
    own = body_of(await me.get(desk.path("reviewers/me")))
    assert (own["verdicts"], own["active_seconds_median"], own["gold"]) == (2, 4.0, None)
    assert own["verdicts_per_hour"] == pytest.approx(900)
    assert own["first_seen"] is not None
    seen = await report(desk, "r1")
    assert (seen["gold"]["tasks"], seen["gold"]["right"]) == (2, 1)
    assert {seen["gold"][kind]["tasks"] for kind in ("model_right", "model_wrong")} == {1}
    desk.clock.advance(86_400)
    assert body_of(await me.get(desk.path("reviewers/me")))["gold"] == seen["gold"]


@pytest.mark.thorough
@pytest.mark.own_desk
@pytest.mark.sql
async def test_two_calls_at_once_make_no_probe_twice(
    desk: Desk, common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    await desk.put_project(review=REVIEW | {"onboarding_tasks": 9})
    await add_gold(desk, *(known(f"g{number}") for number in range(4)))
    async with open_desk(common, settings, keys, clock) as other:
        calls = [one.lease("r1", 2) for one in (desk, other) for _ in range(4)]
        got = [lease for leases in await asyncio.gather(*calls) for lease in leases]
        got += await desk.lease("r1", 9)
    items = [lease["task"]["item_id"] for lease in got]
    assert sorted(items) == ["g0", "g1", "g2", "g3"]
    for lease in got:
        await desk.verdict("r1", lease["token"], "positive")
    assert (await report(desk, "r1"))["gold"]["tasks"] == 4
