import asyncio
from datetime import timedelta

import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.contracts.base import rfc3339
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.clock import Clock
from tests.harness.desk import Desk, Json, body_of, entry, open_desk

pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


def items(leases: list[Json]) -> list[str]:
    return [lease["task"]["item_id"] for lease in leases]


@pytest.mark.sql
async def test_racing_reviewers_get_each_task_once_and_lose_none(desk: Desk) -> None:
    wanted = {f"item-{number}" for number in range(120)}
    await desk.post(*(entry(name) for name in sorted(wanted)))

    async def work(name: str) -> list[str]:
        got: list[str] = []
        while leases := await desk.lease(name, 3):
            got += items(leases)
            for lease in leases:
                await desk.verdict(name, lease["token"], "positive")
        return got

    got = await asyncio.gather(*(work(f"r{number}") for number in range(16)))
    everything = [item for one in got for item in one]
    assert len(everything) == len(wanted)
    assert set(everything) == wanted
    feed = await desk.outcomes()
    assert sorted(row["item_id"] for row in feed["outcomes"]) == sorted(wanted)


@pytest.mark.sql
@pytest.mark.own_desk
async def test_racing_replicas_get_each_task_once(
    desk: Desk, common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    await desk.post(*(entry(f"item-{number}") for number in range(60)))
    async with open_desk(common, settings, keys, clock) as other:
        takes = [replica.lease(f"r{number}", 5) for number in range(8) for replica in (desk, other)]
        got = [item for leases in await asyncio.gather(*takes) for item in items(leases)]
        got += items(await desk.lease("last", 60))
    assert len(got) == 60
    assert len(set(got)) == 60


@pytest.mark.sql
async def test_earliest_due_comes_first_then_the_rest_by_saving_and_creation(
    desk: Desk,
) -> None:
    now = desk.clock()
    await desk.post(entry("pool-1", lane="pool"), entry("optional-2", lane="optional"))
    desk.clock.advance(1)
    await desk.post(entry("pool-3", lane="pool"))
    for name, minutes in (("late", 90), ("soon", 5), ("later", 120)):
        await desk.post(entry(name, due_at=rfc3339(now + timedelta(minutes=minutes))))
    await desk.post(entry("by-rule"))
    got = items(await desk.lease("r1", 9))
    elective = [item for item in got if item[0] in "po"]
    assert elective == ["optional-2", "pool-1", "pool-3"]
    assert [item for item in got if item not in elective] == ["soon", "by-rule", "late", "later"]


@pytest.mark.thorough
@pytest.mark.parametrize("count", [1, 50])
async def test_evidence_is_a_fifth_of_the_leases_by_lot(desk: Desk, count: int) -> None:
    lanes = ["certification", "audit", "gold"]
    await desk.post(*(entry(f"m{number}") for number in range(400)))
    await desk.post(*(entry(f"e{number}", lane=lanes[number % 3]) for number in range(200)))
    got: list[str] = []
    while len(got) < 200:
        got += items(await desk.lease("r1", count))
    # Forty, within five standard deviations: what is mandatory does not run out before.
    assert 12 <= sum(item.startswith("e") for item in got) <= 68


@pytest.mark.parametrize("overlap", [1, pytest.param(2, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("lane", ["audit", "mandatory", "pool"])
@pytest.mark.parametrize("how", ["undo", "release"])
async def test_what_came_back_is_next_whatever_its_lane(
    desk: Desk, overlap: int, lane: str, how: str
) -> None:
    await desk.put_project(review={"overlap": overlap, "lease_seconds": 60})
    await desk.post(entry("a", lane=lane))
    lease = await desk.lease_one("r1")
    await desk.post(
        *(
            entry(f"{other}{n}", lane=other)
            for other in ("audit", "pool", "mandatory")
            for n in "1234"
        )
    )
    if how == "undo":
        await desk.verdict("r1", lease["token"], "positive")
    await desk.use("r1", lease["token"], how)
    assert items(await desk.lease("r1", 5))[0] == "a"


async def test_what_one_class_cannot_fill_the_other_does(desk: Desk) -> None:
    await desk.post(entry("m1"), entry("m2"))
    await desk.post(*(entry(f"e{number}", lane="audit") for number in range(6)))
    assert len(await desk.lease("r1", 8)) == 8
    await desk.post(*(entry(f"more{number}") for number in range(3)))
    assert len(await desk.lease("r1", 8)) == 3


@pytest.mark.own_desk
async def test_lease_shows_no_lane_and_evidence_no_suggestion(desk: Desk) -> None:
    await desk.put_project(review={"blind": False})
    prediction = {"label": "positive", "confidence": 0.6}
    await desk.post(
        entry("seen", prediction=prediction, metadata={"channel": "web"}),
        entry("unpredicted"),
        *(entry(lane, lane=lane, prediction=prediction) for lane in ("audit", "certification")),
        entry("gold", lane="gold", prediction=prediction),
    )
    leases = {lease["task"]["item_id"]: lease for lease in await desk.lease("r1", 9)}
    suggestions = {name: lease["task"]["suggestion"] for name, lease in leases.items()}
    assert suggestions == {
        "seen": {"label": "positive", "confidence": 0.6},
        "unpredicted": None,
        "audit": None,
        "certification": None,
        "gold": None,
    }
    assert set(leases["seen"]) == {"token", "expires_at", "lease_seconds", "task"}
    assert leases["seen"]["task"] == {
        "task_id": leases["seen"]["task"]["task_id"],
        "item_id": "seen",
        "data": {"text": "text of seen"},
        "metadata": {"channel": "web"},
        "suggestion": {"label": "positive", "confidence": 0.6},
        "instructions_revision": 1,
    }
    assert "certification" not in str({**leases["audit"], "data": ""})


async def test_blind_project_shows_no_suggestion(desk: Desk) -> None:
    await desk.post(entry("a", prediction={"label": "positive"}))
    assert (await desk.lease_one("r1"))["task"]["suggestion"] is None


@pytest.mark.own_desk
async def test_outcome_says_whether_the_answer_was_blind(desk: Desk) -> None:
    await desk.put_project(review={"blind": False, "lease_seconds": 60, "max_overlap": 9})
    prediction = {"label": "positive"}
    await desk.post(entry("a", prediction=prediction))
    first = await desk.lease_one("r1")
    assert first["task"]["suggestion"] == {"label": "positive", "confidence": None}
    await desk.use("r1", first["token"], "release")
    # Asked for as evidence after r1 has seen the suggestion: r2 is blind, r1 never again.
    await desk.post(entry("a", lane="audit", prediction=prediction))
    again = await desk.lease_one("r1")
    assert again["task"]["suggestion"] is None
    await desk.verdict("r1", again["token"], "positive")
    assert (await desk.newest("a"))["blind"] is False
    await desk.operator.post(desk.path(f"tasks/{again['task']['task_id']}/reopen"))
    await desk.answer("r2", "positive")
    outcome = await desk.newest("a")
    assert (outcome["blind"], outcome["lane"]) == (True, "audit")


async def test_lease_lasts_as_the_project_says_else_five_minutes(desk: Desk) -> None:
    await desk.post(entry("a"), entry("b"))
    lease = await desk.lease_one("r1")
    assert lease["expires_at"] == rfc3339(desk.clock() + timedelta(seconds=60))
    await desk.put_project(review={})
    lease = await desk.lease_one("r1")
    assert lease["expires_at"] == rfc3339(desk.clock() + timedelta(seconds=300))


async def test_expired_lease_is_claimable_at_once(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    await desk.lease_one("r1")
    desk.clock.advance(59.9)
    assert await desk.lease("r2") == []
    desk.clock.advance(0.1)
    assert items(await desk.lease("r2")) == ["a"]
    assert await desk.kinds(receipt["task_id"]) == ["created", "leased", "expired", "leased"]


async def test_worker_writes_expiry_into_the_timeline(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    await desk.lease_one("r1")
    desk.clock.advance(60)
    task = await desk.task(receipt["task_id"])
    assert (task["state"], task["holder"]) == ("open", None)

    async def written() -> Json | None:
        last: Json = (await desk.task(receipt["task_id"]))["timeline"][-1]
        return last if last["kind"] == "expired" else None

    line = await wait_until(written)
    assert line is not None
    assert line["actor"] == "r1"
    assert line["at"] == rfc3339(desk.clock())


async def test_waiting_reviewer_gets_what_comes(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.lease("r1", wait_seconds=60))
    await asyncio.sleep(0)
    await desk.post(entry("a"))
    assert items(await waiting) == ["a"]


async def test_waiting_reviewer_gets_what_expires(desk: Desk) -> None:
    await desk.post(entry("a"))
    await desk.lease_one("r1")
    waiting = asyncio.create_task(desk.lease("r2", wait_seconds=60))
    await asyncio.sleep(0)
    desk.clock.advance(60)
    assert items(await waiting) == ["a"]


async def test_empty_list_when_nothing_came(desk: Desk) -> None:
    assert await desk.lease("r1", wait_seconds=0.2) == []


async def test_projects_are_apart(desk: Desk) -> None:
    await desk.put_project(desk.named("other"))
    await desk.post(entry("a"), project=desk.named("other"))
    assert await desk.lease("r1") == []


async def test_depth_by_lane(desk: Desk) -> None:
    await desk.post(entry("a"), entry("b"), entry("c", lane="audit"), entry("d"))
    await desk.answer("r1", "positive")
    await desk.lease_one("r1")
    desk.clock.advance(30)
    depth = body_of(await desk.service.get(desk.path("queue")))
    assert (depth["open"], depth["leased"]) == (2, 1)
    assert sum(lane["open"] + lane["leased"] for lane in depth["lanes"]) == 3
    mandatory = next(lane for lane in depth["lanes"] if lane["lane"] == "mandatory")
    assert mandatory["open"] + mandatory["leased"] >= 2
    assert mandatory["oldest_seconds"] == pytest.approx(30, abs=0.001)
