"""The figures of many projects at once."""

import pytest

from services.review_queue.overview.service import OverviewService
from shared.contracts.base import rfc3339
from shared.db import Database
from tests.harness.desk import Desk, Json, body_of, entry, problem_of


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


async def rows(desk: Desk, **query: str) -> dict[str, Json]:
    """The rows of the test's own projects, by name."""
    params = {"limit": "1000", **query}
    answer = body_of(await desk.operator.get("/v1/overview", params=params))
    listed = {row["project"]: row for row in answer["projects"]}
    return {name: row for name, row in listed.items() if name.startswith(desk.project)}


async def test_a_row_has_what_waits_and_what_was_answered_today(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 2, "max_overlap": 2})
    empty = desk.named("empty")
    await desk.put_project(empty, title="")
    await desk.post(entry("yesterday"), entry("first"))
    await desk.answer("r1", "negative")
    desk.clock.advance_to_next_morning()
    (receipt, *_) = await desk.post(entry("a"), entry("b"), entry("c"))
    await desk.answer("r2", "positive")
    skipped = await desk.lease_one("r2")
    body_of(await desk.use("r2", skipped["token"], "skip", {}))
    undone = await desk.lease_one("r3")
    await desk.verdict("r3", undone["token"], "positive")
    body_of(await desk.use("r3", undone["token"], "undo"))
    path = desk.path(f"tasks/{receipt['task_id']}/adjudicate")
    body_of(await desk.operator.post(path, json={"label": "positive"}))
    await desk.lease_one("r4")
    found = await rows(desk)
    row, other = found[desk.project], found[empty]
    created = (await desk.task(receipt["task_id"]))["created_at"]
    assert (row["title"], row["labels"], row["archived_at"]) == ("Shop reviews", 2, None)
    # r1 and r2 disagree about the first of them.
    assert (row["waiting"], row["leased"], row["adjudication"]) == (3, 1, 1)
    assert row["answers"] == 1
    assert row["oldest_at"] < created
    assert (other["waiting"], other["oldest_at"], other["answers"]) == (0, None, 0)
    since = (await desk.task(receipt["task_id"]))["created_at"].replace("T06", "T00")
    assert (await rows(desk, since=since))[desk.project]["answers"] == 1
    assert (await rows(desk, since="2015-01-01T00:00:00Z"))[desk.project]["answers"] == 2


async def test_no_figure_is_counted_beyond_its_bound(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 2, "max_overlap": 2})
    await desk.post(*(entry(name) for name in "abcdefghi"))
    for reviewer, label in (("r1", "negative"), ("r2", "positive")):
        for _ in range(3):
            await desk.answer(reviewer, label)
    whole = (await rows(desk))[desk.project]
    assert (whole["waiting"], whole["adjudication"], whole["answers"]) == (6, 3, 6)
    assert whole["counted_to"] == 1_000
    database, names = Database(desk.database_url), frozenset({desk.project})
    for most in (2, 6):
        service = OverviewService(database, desk.clock, counted_to=most)
        (one,) = (await service.projects(since=None, after="", limit=10, only=names)).projects
        assert (one.waiting, one.adjudication, one.answers) == (most, min(most, 3), most)
        assert one.counted_to == most
        assert one.oldest_at is not None
        assert rfc3339(one.oldest_at) == whole["oldest_at"]
    await database.dispose()


@pytest.mark.any_database
async def test_an_archived_project_says_since_when(desk: Desk) -> None:
    body_of(await desk.operator.post(desk.path("archive")))
    row = (await rows(desk))[desk.project]
    assert row["archived_at"] == body_of(await desk.operator.get(desk.path()))["archived_at"]


async def test_pages_and_tokens_bound_the_list(desk: Desk) -> None:
    await desk.put_project(desk.named("other"))
    narrow = desk.of("operator", "narrow", desk.project)
    answer = body_of(await narrow.get("/v1/overview"))
    assert [row["project"] for row in answer["projects"]] == [desk.project]
    first = body_of(await desk.operator.get("/v1/overview", params={"limit": 1}))
    second = await desk.operator.get("/v1/overview", params={"limit": 1, "after": first["cursor"]})
    assert body_of(second)["projects"][0]["project"] > first["projects"][0]["project"]
    wrong = await desk.operator.get("/v1/overview", params={"since": "today"})
    problem_of(wrong, 422, "unprocessable")


async def test_the_series_counts_arrivals_and_answers_in_each_step(desk: Desk) -> None:
    since = desk.clock().isoformat()
    await desk.post(entry("a"), entry("b"))
    desk.clock.advance(hours=1, minutes=59)
    await desk.answer("r1", "negative")
    skipped = await desk.lease_one("r2")
    body_of(await desk.use("r2", skipped["token"], "skip", {}))
    desk.clock.advance(minutes=2)
    await desk.post(entry("c"))
    await desk.answer("r1", "positive")
    path, params = desk.path("queue/series"), {"since": since}
    series = body_of(await desk.operator.get(path, params=params))
    assert [(one["arrived"], one["answers"]) for one in series["buckets"]] == [
        (2, 0),
        (0, 1),
        (1, 1),
    ]
    assert series["buckets"][1]["since"].split("T")[1].startswith("07:00:00")
    assert series["complete"]
    daily = await desk.operator.get(path, params={"step_seconds": 86_400})
    assert [one["arrived"] for one in body_of(daily)["buckets"]] == [0] * 6 + [2, 1]
    for wrong in ({"since": "2015-01-01T00:00:00Z"}, {"since": "2100-01-01T00:00:00Z"}):
        answer = await desk.operator.get(path, params=wrong)
        problem_of(answer, 422, "unprocessable")


async def test_operators_see_how_often_each_reviewer_gives_each_label(desk: Desk) -> None:
    await desk.post(*(entry(name) for name in "abcd"))
    for label in ("negative", "negative", "positive"):
        await desk.answer("r1", label)
    (row,) = body_of(await desk.operator.get(desk.path("reviewers")))["reviewers"]
    assert row["labels"] == {"negative": 2, "positive": 1}
    assert "labels" not in body_of(await desk.reviewer("r1").get(desk.path("reviewers/me")))


@pytest.mark.any_database
async def test_the_log_says_what_an_edit_changed(desk: Desk) -> None:
    await desk.put_project(
        labels=["negative", "positive", "neutral"],
        promise={"target_accuracy": 0.9},
        instructions="Short.",
    )
    (line, *_) = body_of(await desk.operator.get(desk.path("activity")))["activity"]
    assert line["detail"]["changes"] == [
        "instructions: 22 -> 6 characters",
        "labels: + neutral",
        "promise.target_accuracy: 0.95 -> 0.9",
    ]
