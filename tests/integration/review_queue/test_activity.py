"""The activity log: who did what, in the order of time, and nobody can change it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from services.review_queue.activity.service import ActivityCursor
from shared.contracts.base import task_id_for
from tests.harness.consoles import link, visiting
from tests.harness.desk import Desk, Json, body_of, entry, problem_of
from tests.integration.review_queue.exchange.files import lines, take_in


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


async def log(desk: Desk, **query: Any) -> list[Json]:
    """What the log says, newest first."""
    return list(body_of(await desk.operator.get(desk.path("activity"), params=query))["activity"])


async def newest(desk: Desk) -> Json:
    (one,) = await log(desk, limit=1)
    return one


async def test_a_working_day_is_told_in_its_order(desk: Desk) -> None:
    desk.clock.advance(1)
    (first, _) = await desk.post(entry("a"), entry("b"))
    task = desk.path(f"tasks/{first['task_id']}")
    desk.clock.advance(1)
    lease = await desk.lease_one("r1")
    desk.clock.advance(1)
    await desk.verdict("r1", lease["token"], "negative")
    desk.clock.advance(1)
    body_of(await desk.use("r1", lease["token"], "undo"))
    desk.clock.advance(1)
    body_of(await desk.operator.post(f"{task}/adjudicate", json={"label": "positive"}))
    desk.clock.advance(1)
    body_of(await desk.operator.post(f"{task}/reopen"))
    desk.clock.advance(1)
    given = {"reviewer": "elsewhere", "label": "negative"}
    body_of(await desk.service.post(f"{task}/verdicts", json=given))
    desk.clock.advance(1)
    lease = await desk.lease_one("r2")
    desk.clock.advance(1)
    body_of(await desk.use("r2", lease["token"], "skip", {}))
    told = [(one["actor"], one["action"]) for one in reversed(await log(desk))]
    assert told == [
        ("operator", "project.created"),
        ("service", "tasks.added"),
        ("r1", "task.leased"),
        ("r1", "task.answered"),
        ("r1", "task.undone"),
        ("operator", "task.adjudicated"),
        ("operator", "task.reopened"),
        ("service", "task.answered_on_behalf"),
        ("r2", "task.leased"),
        ("r2", "task.skipped"),
    ]
    adjudicated = (await log(desk, action="task.adjudicated"))[0]
    assert adjudicated["role"] == "operator"
    assert adjudicated["token_id"]
    assert (adjudicated["target"], adjudicated["detail"]) == (
        first["task_id"],
        {"label": "positive"},
    )
    answered = (await log(desk, action="task.answered"))[0]
    assert (answered["target"], answered["detail"]) == (first["task_id"], {"label": "negative"})


@pytest.mark.any_database
async def test_what_changes_nothing_is_not_told(desk: Desk) -> None:
    await desk.post(entry("a"))
    before = await log(desk)
    await desk.put_project()
    await desk.post(entry("a"))
    await desk.lease("r1", count=1, wait_seconds=0)
    await desk.lease("r2")
    told = await log(desk)
    assert [one["action"] for one in told if one not in before] == ["task.leased"]


@pytest.mark.any_database
async def test_a_replaced_project_says_which_keys_changed(desk: Desk) -> None:
    await desk.put_project(title="Another", labels=["negative", "positive", "neither"])
    told = await newest(desk)
    assert (told["action"], told["target"]) == ("project.replaced", "2")
    assert told["detail"] == {
        "changed": ["labels", "title"],
        "changes": ["labels: + neither", "title: Shop reviews -> Another"],
    }


async def test_added_and_imported_tasks_are_counted(desk: Desk) -> None:
    await desk.post(*[entry(f"item-{i}") for i in range(50)])
    told = await newest(desk)
    assert (told["action"], told["detail"]) == ("tasks.added", {"created": 50})
    await desk.post(entry("item-1", lane="audit"))
    assert (await newest(desk))["detail"] == {"moved": 1}
    given = {"reviewer": "r9", "label": "negative"}
    file = lines(*[{**entry(f"import-{i}"), "verdicts": [given]} for i in range(600)])
    body_of_import = await take_in(desk, file)
    assert body_of_import["created"] == 600
    told_of = await log(desk, action="tasks.imported")
    assert len({one["target"] for one in told_of}) == 1
    for what in ("created", "answers"):
        assert sum(one["detail"][what] for one in told_of) == 600
    # Answers that an import brought are told by it alone.
    assert await log(desk, actor="r9") == []
    await take_in(desk, file)
    assert await log(desk, action="tasks.imported") == told_of


async def test_who_took_data_out_is_told_before_the_data(desk: Desk) -> None:
    await desk.post(entry("a"))
    path = desk.path("export")
    query: dict[str, Any] = {"format": "csv", "state": "open", "older_than_seconds": 0}
    async with desk.operator.stream("GET", path, params=query) as response:
        assert response.status_code == 200
        told = await newest(desk)
        await response.aread()
    assert (told["actor"], told["action"]) == ("operator", "tasks.exported")
    assert told["detail"] == {"format": "csv", "state": "open", "older_than": 0.0}
    problem_of(await desk.operator.get(path, params={"format": "pdf"}), 422, "unprocessable")
    assert (await newest(desk))["entry_id"] == told["entry_id"]


async def test_feedback_and_its_answer_are_told_without_what_was_said(desk: Desk) -> None:
    path = desk.path("feedback")
    said = {"about": "label", "label": "negative", "text": "What is negative?"}
    given = body_of(await desk.reviewer("r1").post(path, json=said))
    answer = {"text": "Not positive."}
    body_of(await desk.operator.post(f"{path}/{given['feedback_id']}/answer", json=answer))
    told = await log(desk, limit=2)
    assert [one["action"] for one in told] == ["feedback.answered", "feedback.given"]
    assert [one["actor"] for one in told] == ["operator", "r1"]
    assert {one["target"] for one in told} == {str(given["feedback_id"])}
    assert "positive" not in str(told)


@pytest.mark.any_database
async def test_links_and_what_was_read_are_told(desk: Desk) -> None:
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        for _ in range(2):
            await anna.post(desk.page("instructions"), {"revision": 1})
    told = (await log(desk))[:-1][::-1]
    assert [(one["actor"], one["role"], one["action"]) for one in told] == [
        ("operator", "operator", "link.made"),
        ("anna", None, "link.redeemed"),
        ("anna", "reviewer", "instructions.read"),
    ]


@pytest.mark.own_desk
@pytest.mark.any_database
async def test_a_link_to_all_projects_is_told_outside_of_them(desk: Desk) -> None:
    chief = desk.of("operator", "chief")
    body_of(await chief.post("/v1/links", json={"subject": "otto"}))
    (told,) = body_of(await desk.operator.get("/v1/activity"))["activity"]
    assert (told["actor"], told["action"]) == ("chief", "link.made")
    limited = desk.of("operator", "shopkeeper", desk.project)
    problem_of(await limited.get("/v1/activity"), 403, "forbidden")
    body_of(await limited.get(desk.path("activity")))


async def test_an_erasure_is_told_with_its_reason(desk: Desk) -> None:
    await desk.post(entry("a"))
    for _ in range(2):
        await desk.operator.delete(desk.path("items/a"), params={"reason": "asked"})
    (told,) = await log(desk, action="item.erased")
    assert (told["actor"], told["target"]) == ("operator", task_id_for(desk.project, "a"))
    assert told["detail"] == {"item_id": "a", "reason": "asked"}


async def test_pages_give_all_there_was_once_although_more_comes(desk: Desk) -> None:
    for i in range(6):
        desk.clock.advance(1)
        await desk.post(entry(f"item-{i}"))
        desk.clock.advance(1)
        await desk.answer("r1", "negative")
    there = await log(desk)
    walked, cursor = [], None
    for _ in range(100):
        query = {"limit": 2} | ({"after": cursor} if cursor else {})
        page = body_of(await desk.operator.get(desk.path("activity"), params=query))
        walked += page["activity"]
        cursor = page["cursor"]
        if cursor is None:
            break
        desk.clock.advance(1)
        await desk.post(entry(f"later-{len(walked)}"))
        await desk.answer("r2", "negative")
    assert walked == there


@pytest.mark.parametrize("query", [{"action": "all"}, {"after": "MS4x."}, {"after": "MQ"}])
@pytest.mark.any_database
async def test_queries_that_mean_nothing_are_refused(desk: Desk, query: Json) -> None:
    problem_of(await desk.operator.get(desk.path("activity"), params=query), 422, "unprocessable")
    problem_of(await desk.reviewer("r1").get(desk.path("activity")), 403, "forbidden")
    missing = await desk.operator.get("/v1/projects/none/activity")
    problem_of(missing, 404, "not-found")


async def test_the_database_refuses_to_change_the_log(desk: Desk) -> None:
    await desk.post(entry("a"))
    there = await log(desk)
    engine = create_async_engine(desk.database_url)
    changes = ["UPDATE activity SET actor = 'nobody'", "DELETE FROM activity"]
    if "postgresql" in desk.database_url:
        changes.append("TRUNCATE activity")
    for change in changes:
        with pytest.raises(DBAPIError, match="only ever added to"):
            async with engine.begin() as connection:
                await connection.execute(text(change))
    await engine.dispose()
    assert await log(desk) == there


@pytest.mark.any_database
async def test_a_refused_act_leaves_no_line(desk: Desk) -> None:
    await desk.post(entry("a"))
    before = await log(desk)
    task = desk.path(f"tasks/{task_id_for(desk.project, 'a')}")
    problem_of(await desk.operator.post(f"{task}/reopen"), 409, "conflict")
    problem_of(
        await desk.operator.post(f"{task}/adjudicate", json={"label": "?"}), 422, "unprocessable"
    )
    assert await log(desk) == before


@given(st.integers(0, 10**18 - 1), st.integers(0, 10**18 - 1))
def test_a_place_survives_its_cursor(recorded: int, told: int) -> None:
    cursor = ActivityCursor(recorded, told)
    assert ActivityCursor.of(str(cursor)) == cursor
