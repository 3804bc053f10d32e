"""Archived projects: read-only until they are unarchived."""

import httpx
import pytest

from shared.contracts.projects import Project
from shared.settings import CommonSettings
from shared.store import Store, project_path
from tests.harness.desk import PROJECT, Desk, Json, body_of, entry, problem_of
from tests.integration.review_queue.exchange.files import lines, send

pytestmark = pytest.mark.any_database


async def archive(desk: Desk, what: str = "archive") -> Json:
    return body_of(await desk.operator.post(desk.path(what)))


async def refused(answer: httpx.Response, desk: Desk) -> None:
    assert problem_of(answer, 409, "project-archived")["project"] == desk.project


async def test_an_archived_project_takes_nothing_new_and_can_be_read(desk: Desk) -> None:
    before = await desk.put_project()
    (receipt,) = await desk.post(entry("a"))
    await desk.post(entry("b"))
    await desk.answer("r1", "negative")
    lease = await desk.lease_one("r2")
    await desk.post(entry("open"))
    archived = await archive(desk)
    assert archived["archived_at"] == archived["updated_at"]
    assert archived["revision"] == 2
    assert await archive(desk) == archived
    task = f"tasks/{receipt['task_id']}"
    writes: list[tuple[httpx.AsyncClient, str, str, Json]] = [
        (desk.operator, "PUT", "", PROJECT),
        (desk.operator, "PUT", "", archived),
        (desk.operator, "PATCH", "", {"title": "Other"}),
        (desk.operator, "PATCH", "?dry_run=true", {"title": "Other"}),
        (desk.service, "POST", "tasks", {"tasks": [entry("c")]}),
        (desk.reviewer("r3"), "POST", "leases", {"count": 1}),
        (desk.operator, "POST", f"{task}/reopen", {}),
        (desk.operator, "POST", f"{task}/adjudicate", {"label": "negative"}),
        (desk.service, "POST", f"{task}/verdicts", {"reviewer": "r9", "label": "negative"}),
        (desk.operator, "POST", "gold", {"items": [entry("g", label="negative")]}),
    ]
    for who, method, path, body in writes:
        place = desk.path() + path if path.startswith("?") else desk.path(path)
        await refused(await who.request(method, place, json=body), desk)
    await refused(await send(desk, lines(entry("d", label="negative"))), desk)
    # Who has leased a task may finish it.
    assert (await desk.verdict("r2", lease["token"], "negative"))["state"] == "resolved"
    assert len((await desk.outcomes())["outcomes"]) == 2
    assert body_of(await desk.operator.get(desk.path())) == archived
    for path in ("export", "tasks", "activity"):
        assert (await desk.operator.get(desk.path(path))).status_code == 200
    opened = await archive(desk, "unarchive")
    assert (opened["archived_at"], opened["revision"]) == (None, 3)
    assert opened["created_at"] == before["created_at"]
    await desk.post(entry("c"))
    assert len(await desk.lease("r3", 2)) == 2
    log = body_of(await desk.operator.get(desk.path("activity")))["activity"]
    acts = [(line["action"], line["target"]) for line in log if line["action"].startswith("proj")]
    assert acts == [
        ("project.unarchived", "3"),
        ("project.archived", "2"),
        ("project.created", "1"),
    ]


async def test_archiving_is_for_operators_and_known_projects(desk: Desk) -> None:
    problem_of(await desk.operator.post(desk.path("archive")), 404, "not-found")
    await desk.put_project()
    for what in ("archive", "unarchive"):
        problem_of(await desk.reviewer("r1").post(desk.path(what)), 403, "forbidden")
        problem_of(await desk.service.post(desk.path(what)), 403, "forbidden")


@pytest.mark.own_desk
async def test_the_store_says_that_a_project_is_archived(
    desk: Desk, common: CommonSettings
) -> None:
    await desk.put_project()
    store = Store(common.store_address)
    for what, is_archived in (("archive", True), ("unarchive", False)):
        await archive(desk, what)
        document = await store.read_document(project_path(desk.project), Project)
        assert document is not None
        assert (document.archived_at is not None) == is_archived
