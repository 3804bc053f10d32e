"""Deleted projects: gone at once for all, removed in the background, and their name is free."""

import httpx
import pytest
from sqlalchemy import text

from services.review_queue.erasure.repository import OF_PROJECTS, OF_TASKS
from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.tables import Base
from shared.auth import Keys
from shared.contracts.base import rfc3339
from shared.contracts.projects import Project
from shared.db import Database
from shared.settings import CommonSettings
from shared.store import Store, project_path
from tests.harness import wait_until
from tests.harness.clock import Clock
from tests.harness.desk import PROJECT, Desk, Json, body_of, entry, open_desk, problem_of

# The row of the name, the feed of changes and the log of actions stay.
KEPT = {"projects", "project_changes", "activity", "outbox", "feed_epochs", "ui_sessions"}


async def delete(desk: Desk, confirm: str | None = None) -> httpx.Response:
    params = {"confirm": confirm or desk.project}
    return await desk.operator.delete(desk.path(), params=params)


async def archive(desk: Desk) -> None:
    body_of(await desk.operator.post(desk.path("archive")))


async def rows(desk: Desk) -> dict[str, int]:
    """Return how many rows each table has that does not keep any of a deleted project."""
    database = Database(desk.database_url)
    try:
        async with database.reading() as session:
            return {
                name: (await session.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one()
                for name in Base.metadata.tables
                if name not in KEPT
            }
    finally:
        await database.dispose()


async def fill(desk: Desk) -> Json:
    """Let the project have rows in every table; return a lease that lasts."""
    # Gold is asked about at random: a lease of it would be a probe.
    await desk.put_project(review={"gold_rate": 0})
    (receipt, *_) = await desk.post(entry("a"), entry("b"), entry("erased"))
    await desk.answer("r1", "negative")
    gold = {"label": "negative"}
    path = desk.path(f"tasks/{receipt['task_id']}/gold")
    body_of(await desk.operator.put(path, json=gold))
    feedback = {"about": "instructions", "text": "Which page?"}
    body_of(await desk.reviewer("r1").post(desk.path("feedback"), json=feedback), 200, 201)
    body_of(await desk.operator.post(desk.path("links"), json={"subject": "anna"}), 200, 201)
    body_of(await desk.operator.post(desk.path("reviewers/r9/pause"), json={"reason": "away"}))
    body_of(await desk.operator.put(desk.path("reviewers/r9/tags"), json={"tags": ["channel=web"]}))
    lease = await desk.lease_one("r2")
    body_of(await desk.operator.delete(desk.path("items/erased")))
    await desk.outcomes()
    return lease


@pytest.mark.own_desk
@pytest.mark.any_database
async def test_only_an_archived_project_is_deleted_and_by_its_name(desk: Desk) -> None:
    problem_of(await delete(desk), 404, "not-found")
    await desk.put_project()
    problem = problem_of(await delete(desk), 409, "project-not-archived")
    assert "archive" in problem["detail"]
    await archive(desk)
    wrong = problem_of(await delete(desk, "other"), 422, "unprocessable")
    assert wrong["errors"][0]["pointer"] == "/query/confirm"
    problem_of(await desk.operator.delete(desk.path()), 422, "unprocessable")
    for who in (desk.service, desk.reviewer("r1")):
        answer = await who.delete(desk.path(), params={"confirm": desk.project})
        problem_of(answer, 403, "forbidden")
    first = body_of(await delete(desk), 202)
    assert body_of(await delete(desk), 202) == first


@pytest.mark.own_desk
async def test_a_deleted_project_is_gone_with_all_its_rows(
    desk: Desk, common: CommonSettings
) -> None:
    lease = await fill(desk)
    # A table that is new here gets rows in `fill`, and is removed.
    empty = {name for name, count in (await rows(desk)).items() if not count}
    assert empty == {"ui_acknowledgements", "probes", "webhooks"} | {
        *("webhook_deliveries", "webhook_history", "webhook_told"),
    }
    await archive(desk)
    body_of(await delete(desk), 202)
    problem_of(await desk.operator.get(desk.path()), 404, "not-found")
    problem_of(await desk.operator.patch(desk.path(), json={"title": "x"}), 404, "not-found")
    for path in ("outcomes", "tasks", "activity", "export", "webhooks", "gold"):
        problem_of(await desk.operator.get(desk.path(path)), 404, "not-found")
    problem_of(
        await desk.service.post(desk.path("tasks"), json={"tasks": [entry("z")]}), 404, "not-found"
    )
    late = await desk.use("r2", lease["token"], "verdict", {"label": "negative"})
    assert late.status_code in (404, 409)
    assert body_of(await desk.operator.get("/v1/projects"))["projects"] == []

    await wait_until(lambda: _is_empty(desk))
    document = await Store(common.store_address).read_document(project_path(desk.project), Project)
    assert document is not None
    assert document.deleted_at is not None
    assert document.title == document.instructions == ""
    changes = body_of(await desk.service.get("/v1/changes"))["changes"]
    assert {"project": desk.project, "kind": "project", "revision": document.revision} in changes
    log = body_of(await desk.operator.get("/v1/activity"))["activity"]
    assert ("project.deleted", desk.project) in [(one["action"], one["target"]) for one in log]


@pytest.mark.own_desk
async def test_the_rows_of_a_deleted_project_do_not_wait_for_a_poll(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    seldom = common.model_copy(update={"poll_seconds": 60.0})
    async with open_desk(seldom, settings, keys, clock) as desk:
        await desk.put_project()
        await desk.post(entry("a"))
        await archive(desk)
        body_of(await delete(desk), 202)
        await wait_until(lambda: _is_empty(desk))


async def _is_empty(desk: Desk) -> bool:
    return not any((await rows(desk)).values())


@pytest.mark.own_desk
async def test_a_new_project_of_the_name_has_nothing_of_the_old_one(desk: Desk) -> None:
    await fill(desk)
    received = rfc3339(desk.clock())
    await archive(desk)
    body_of(await delete(desk), 202)
    desk.clock.advance(minutes=1)

    async def created() -> bool:
        answer = await desk.operator.put(desk.path(), json=PROJECT | {"title": "New"})
        if answer.status_code == 201:
            return True
        problem_of(answer, 409, "project-being-deleted")
        return False

    await wait_until(created)
    project = body_of(await desk.operator.get(desk.path()))
    assert (project["title"], project["revision"], project["first_revision"]) == ("New", 4, 4)
    assert (await desk.outcomes())["outcomes"] == []
    log = body_of(await desk.operator.get(desk.path("activity")))["activity"]
    assert [one["action"] for one in log] == ["project.created"]
    # What a router took for the old project is no task of the new one.
    (old, new) = await desk.post(
        entry("a", prediction={"received_at": received}),
        entry("b", prediction={"received_at": rfc3339(desk.clock())}),
    )
    assert (old["status"], new["status"]) == ("rejected", "created")
    assert "deleted project" in old["detail"]
    # What it sends back, as it was read, edits it.
    edited = body_of(await desk.operator.put(desk.path(), json=project | {"title": "Newer"}))
    assert (edited["revision"], edited["first_revision"]) == (5, 4)


@pytest.mark.own_desk
async def test_other_projects_read_on_where_they_were(desk: Desk) -> None:
    other = desk.named("other")
    await desk.put_project()
    await desk.put_project(other)
    await desk.post(entry("a"), project=other)
    await desk.post(entry("b"))
    lease = (await desk.reviewer("r1").post(desk.path("leases", other), json={})).json()
    token = lease["leases"][0]["token"]
    await desk.verdict("r1", token, "negative")
    path = desk.path("outcomes", other)
    cursor = body_of(await desk.service.get(path))["cursor"]
    # The last position of the feed is the deleted project's.
    await desk.answer("r1", "negative")
    await desk.outcomes()
    all_projects = body_of(await desk.service.get("/v1/changes"))["cursor"]
    await archive(desk)
    body_of(await delete(desk), 202)
    await wait_until(lambda: _has_no_task(desk))

    found = body_of(await desk.service.get("/v1/changes", params={"after": all_projects}))
    assert [one["project"] for one in found["changes"]] == [desk.project]
    await desk.post(entry("c"), project=other)
    lease = (await desk.reviewer("r1").post(desk.path("leases", other), json={})).json()
    await desk.verdict("r1", lease["leases"][0]["token"], "positive")
    page = body_of(await desk.service.get(path, params={"after": cursor}))
    assert [one["item_id"] for one in page["outcomes"]] == ["c"]
    found = body_of(await desk.service.get("/v1/changes", params={"after": found["cursor"]}))
    assert [(one["project"], one["kind"]) for one in found["changes"]] == [(other, "outcomes")]


async def _has_no_task(desk: Desk) -> bool:
    database = Database(desk.database_url)
    try:
        async with database.reading() as session:
            query = text("SELECT count(*) FROM tasks WHERE project = :name")
            found = await session.execute(query, {"name": desk.project})
            return not found.scalar_one()
    finally:
        await database.dispose()


def test_what_refers_to_tasks_and_projects_is_removed_with_them() -> None:
    def referring(place: str) -> set[str]:
        tables = Base.metadata.tables.values()
        return {
            one.name
            for one in tables
            if any(key.target_fullname == place for key in one.foreign_keys)
        }

    of_tasks = referring("tasks.task_id")
    assert {table.name for table in OF_TASKS} == of_tasks
    of_projects = {table.name for table in OF_PROJECTS} | {"tasks", "project_changes"}
    assert referring("projects.name") - of_tasks == of_projects
