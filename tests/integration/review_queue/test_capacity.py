"""Whether the reviewers keep up, and what an operator can do if they do not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.review_queue.timings.repository import answers_each, arrived, held_since
from shared.db import Database
from tests.harness.databases import create_tables
from tests.harness.desk import Desk, Json, body_of, entry, problem_of
from tests.harness.statements import plans_of
from tests.integration.review_queue.exchange.files import lines, send


async def forecast(desk: Desk, **query: Any) -> Json:
    return body_of(await desk.operator.get(desk.path("capacity"), params=query))


async def days(desk: Desk, counts: list[int], lane: str = "mandatory") -> None:
    """Let so many tasks come on each day, and each be answered in half a minute."""
    for day, count in enumerate(counts):
        for number in range(count):
            await desk.post(entry(f"{lane}-{day}-{number}", lane=lane))
            lease = await desk.lease_one("r1")
            desk.clock.advance(seconds=30)
            await desk.verdict("r1", lease["token"], "negative")
        desk.clock.advance(seconds=86_400 - 30 * count)


@pytest.mark.own_desk
async def test_stated_hours_are_compared_with_what_must_be_answered(desk: Desk) -> None:
    await desk.put_project(capacity={"reviewer_hours_per_day": 1})
    await days(desk, [2, 2])
    found = await forecast(desk)
    assert found["days"] == 2
    assert found["arrivals"]["per_day"] == found["mandatory_per_day"] == 2
    assert found["answers_per_hour"] == pytest.approx(120)
    assert (found["hours_per_day"], found["hours_basis"]) == (1, "stated")
    assert found["needed_hours_per_day"] == pytest.approx(2 / 120)
    assert found["utilisation"] == pytest.approx(2 / 120)
    assert (found["state"], found["reviewers"], found["acts"]) == ("keeps_up", 1, [])
    assert found["expected_wait_seconds"] > 0
    assert found["backlog_days"] == 0


@pytest.mark.own_desk
async def test_under_overload_the_acts_come_in_order(desk: Desk) -> None:
    await desk.put_project(capacity={"reviewer_hours_per_day": 0.025, "price_error": 2})
    await days(desk, [6])
    desk.clock.advance(seconds=-2)
    await desk.post(entry("o", lane="optional"), entry("p", lane="pool"), entry("a", lane="audit"))
    desk.clock.advance(seconds=2)
    found = await forecast(desk)
    assert found["evidence_per_day"] == found["optional_per_day"] == 1
    assert found["state"] == "overloaded"
    assert found["utilisation_interval"][0] < found["utilisation"]
    assert found["expected_wait_seconds"] is None
    assert found["backlog_days"] == pytest.approx(1 / 3)
    assert [one["act"] for one in found["acts"]] == [
        "drop_optional",
        "lower_active_learning",
        "page_reviewers",
        "extend_deadlines",
        "weaken_promise",
    ]
    # What an act proposes is an edit that the project takes.
    for act in found["acts"]:
        if act["body"] is not None:
            method, path = act["route"].split(" ")
            answer = await desk.operator.request(method, path, json=act["body"])
            assert answer.status_code == 200, answer.text
    project = body_of(await desk.operator.get(desk.path()))
    assert project["capacity"]["price_error"] is None
    assert project["promise"]["target_accuracy"] == 0.95


@pytest.mark.own_desk
async def test_hours_that_are_not_stated_are_estimated(desk: Desk) -> None:
    await desk.put_project()
    assert (await forecast(desk))["state"] == "unknown"
    await days(desk, [6])
    # What comes with its label takes no one's time.
    body_of(await send(desk, lines(entry("known", label="negative"))))
    found = await forecast(desk)
    assert (found["hours_basis"], found["arrivals"]["per_day"]) == ("estimated", 6)
    assert found["hours_per_day"] == pytest.approx(0.05)


@pytest.mark.any_database
async def test_it_is_for_operators(desk: Desk) -> None:
    problem_of(await desk.operator.get(desk.path("capacity")), 404, "not-found")
    await desk.put_project()
    problem_of(await desk.reviewer("r1").get(desk.path("capacity")), 403, "forbidden")
    problem_of(
        await desk.operator.get(desk.path("capacity"), params={"days": 29}), 422, "unprocessable"
    )


async def test_no_query_reads_all_tasks(sqlite_url: str) -> None:
    await create_tables("review_queue", sqlite_url)
    database = Database(sqlite_url)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    async with database.reading() as session:
        plans = []
        for asked in (
            arrived(session, "shop", now - timedelta(days=1), now, 10),
            answers_each(session, "shop", 10),
            held_since(session, "shop", now, 10),
        ):
            _, (plan,) = await plans_of(session, asked)
            plans.append(plan)
    await database.dispose()
    assert any("tasks_by_creation (project=? AND created_at>? AND" in one for one in plans[0])
    assert any("outcomes_by_project (project=?)" in one for one in plans[1])
    assert any("leases_by_expiry (ended_at>?)" in one for one in plans[2])
