"""Times measured from the queue's own records, and what they make one expect."""

from datetime import timedelta
from typing import Any

import pytest

from services.review_queue.timings.erlang import mean_wait
from shared.contracts.base import rfc3339
from shared.contracts.versions import ChannelEvent, Channels, Manifest
from shared.settings import CommonSettings
from shared.store import Store, channels_path, manifest_path
from tests.harness.desk import Desk, Json, body_of, entry, problem_of


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 2, "lease_seconds": 600})


async def timings(desk: Desk, **query: Any) -> Json:
    return body_of(await desk.operator.get(desk.path("timings"), params=query))


def by_step(answer: Json) -> dict[str, float]:
    return {one["step"]: one["p50_seconds"] for one in answer["steps"]}


async def answer_after(desk: Desk, name: str, seconds: float, active: float) -> Json:
    lease = await desk.lease_one(name)
    desk.clock.advance(seconds)
    body = {"label": "positive", "active_seconds": active}
    return body_of(await desk.use(name, lease["token"], "verdict", body))


@pytest.mark.own_desk
async def test_each_step_of_an_item_is_measured(desk: Desk, common: CommonSettings) -> None:
    now = desk.clock()
    prediction = {
        "label": "negative",
        "received_at": rfc3339(now - timedelta(seconds=3)),
        "decided_at": rfc3339(now - timedelta(seconds=1)),
    }
    await desk.post(entry("a", prediction=prediction))
    desk.clock.advance(10)
    await answer_after(desk, "r1", 20, active=15)
    desk.clock.advance(5)
    await answer_after(desk, "r2", 30, active=25)
    cursor = (await desk.outcomes())["cursor"]
    resolved = desk.clock()
    store = Store(common.store_address)
    manifest = Manifest(
        version="v1",
        created_at=resolved + timedelta(seconds=40),
        labels=["negative", "positive"],
        model_sha256="0" * 64,
        recipe="test",
        inputs=[],
        outputs={"probabilities": "probabilities"},
        outcomes_cursor=cursor,
    )
    await store.write_document(manifest_path("shop", "v1"), manifest)
    live = ChannelEvent(champion="v1", live_at=resolved + timedelta(seconds=50))
    channels = Channels(revision=1, champion="v1", history=[live])
    await store.write_document(channels_path("shop"), channels)
    found = await timings(desk, cost_per_hour=36)
    assert by_step(found) == {
        "deciding": 2.0,
        "handing_over": 1.0,
        "waiting": 10.0,
        "active": 40.0,
        "idle": 10.0,
        "agreeing": 35.0,
        "collecting": 40.0,
        "publishing": 10.0,
    }
    assert found["items"] == 1
    assert found["bottleneck"] in {"active", "collecting"}
    cost = found["cost"]
    assert (cost["verdicts"], cost["corrected_errors"], cost["active_seconds"]) == (2, 1, 40.0)
    assert (cost["per_verdict"], cost["per_corrected_error"]) == (0.2, 0.4)


@pytest.mark.any_database
async def test_nothing_resolved_has_no_times(desk: Desk) -> None:
    found = await timings(desk)
    assert (found["items"], found["steps"], found["bottleneck"], found["cost"]) == (
        0,
        [],
        None,
        None,
    )


async def test_older_items_can_be_left_out(desk: Desk) -> None:
    await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    await desk.answer("r2", "positive")
    desk.clock.advance(60)
    assert (await timings(desk, since=rfc3339(desk.clock())))["items"] == 0
    assert (await timings(desk))["items"] == 1


async def test_the_expected_wait_follows_from_rates_and_reviewers(desk: Desk) -> None:
    for number in range(6):
        await desk.post(entry(f"item-{number}"))
        desk.clock.advance(50)
    for _ in range(4):
        for name in ("r1", "r2"):
            await answer_after(desk, name, 20, active=10)
    await desk.post(*(entry(f"pool-{number}", lane="pool") for number in range(6)))
    queue = body_of(await desk.operator.get(desk.path("queue"), params={"window_seconds": 1000}))
    assert queue["reviewers"] == 2
    assert queue["arrival_rate"] == pytest.approx(12 / 1000)
    assert queue["resolution_rate"] == pytest.approx(4 / 1000)
    assert queue["service_rate"] == pytest.approx(1 / 20)
    expected = mean_wait(2, 12 / 1000 * 2, 1 / 20)
    assert queue["expected_wait_seconds"] == pytest.approx(expected, abs=1e-3)
    # Eight tasks wait for two verdicts each, of two people who give one in 20 seconds.
    assert queue["open"] == 8
    assert queue["backlog_seconds"] == pytest.approx(8 * 2 / (2 / 20))
    assert queue["mandatory_load"] == pytest.approx(6 / 1000 * 2 / (2 / 20))


async def test_tasks_held_ahead_neither_slow_a_reviewer_down_nor_are_idle(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 1, "lease_seconds": 600})
    await desk.post(*(entry(f"item-{number}") for number in range(12)))
    desk.clock.advance(3600)
    held = {"anna": await desk.lease("anna", 3), "bert": await desk.lease("bert", 1)}
    for _ in range(4):
        desk.clock.advance(10)
        # Bert holds one at a time.
        for name, seconds in (("anna", 8), ("bert", 10)):
            token = held[name].pop(0)["token"]
            body = {"label": "positive", "active_seconds": seconds}
            body_of(await desk.use(name, token, "verdict", body))
            held[name] += await desk.lease(name, 1)
    window = {"window_seconds": 40}
    queue = body_of(await desk.operator.get(desk.path("queue"), params=window))
    assert queue["service_rate"] == pytest.approx(1 / 10)
    assert queue["backlog_seconds"] == pytest.approx(queue["open"] / (2 / 10))
    idle = next(one for one in (await timings(desk))["steps"] if one["step"] == "idle")
    # What he held meanwhile lay behind the one before him: only two seconds of each ten were idle.
    assert (idle["count"], idle["mean_seconds"]) == (8, pytest.approx((4 * 2 + 4 * 0) / 8))


async def test_answers_of_one_moment_share_the_time_before_it(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 1, "lease_seconds": 600})
    await desk.post(entry("a"), entry("b"))
    leases = await desk.lease("anna", 2)
    desk.clock.advance(20)
    for lease in leases:
        await desk.verdict("anna", lease["token"], "positive")
    idle = next(one for one in (await timings(desk))["steps"] if one["step"] == "idle")
    assert idle["mean_seconds"] == 10.0
    queue = body_of(await desk.operator.get(desk.path("queue")))
    assert queue["service_rate"] == pytest.approx(2 / 20)


@pytest.mark.any_database
async def test_nobody_at_work_promises_no_wait(desk: Desk) -> None:
    await desk.post(entry("a"))
    queue = body_of(await desk.operator.get(desk.path("queue")))
    assert (queue["open"], queue["reviewers"], queue["expected_wait_seconds"]) == (1, 0, None)


@pytest.mark.any_database
async def test_times_are_for_operators(desk: Desk) -> None:
    refused = await desk.reviewer("r1").get(desk.path("timings"))
    problem_of(refused, 403, "forbidden")
    problem_of(await desk.operator.get("/v1/projects/none/timings"), 404, "not-found")


async def test_tasks_that_come_with_their_label_are_no_load(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 3, "max_overlap": 3, "lease_seconds": 60})
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    for name in ("r1", "r2", "r3"):
        for lease in await desk.lease(name, count=4):
            desk.clock.advance(5)
            await desk.verdict(name, lease["token"], "positive")
    await desk.post(*(entry(f"waiting-{number}") for number in range(10)))
    before = body_of(await desk.operator.get(desk.path("queue")))
    gold = [{**entry(f"gold-{number}"), "label": "positive"} for number in range(50)]
    body_of(await desk.operator.post(desk.path("gold"), json={"items": gold}))
    assert body_of(await desk.operator.get(desk.path("queue"))) == before
