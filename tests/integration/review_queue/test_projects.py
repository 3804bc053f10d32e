import asyncio
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.review_queue.app import create_app
from services.review_queue.projects import repository
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.contracts.projects import Project
from shared.db import Database
from shared.doorbells import Doorbells, project_bell
from shared.settings import CommonSettings
from shared.store import Store, project_path
from tests.harness import client, serve, wait_until
from tests.harness.clock import Clock
from tests.harness.desk import PROJECT, Desk, body_of, open_desk, problem_of

pytestmark = pytest.mark.own_desk


async def stored(common: CommonSettings, name: str = "shop") -> Project:
    document = await Store(common.store_address).read_document(project_path(name), Project)
    assert document is not None
    return document


@pytest.mark.any_database
async def test_put_creates_then_replaces_and_is_in_the_store(
    desk: Desk, common: CommonSettings
) -> None:
    created = await desk.operator.put("/v1/projects/shop", json=PROJECT)
    assert created.status_code == 201
    assert created.headers["etag"] == '"1"'
    assert (await stored(common)).revision == 1
    desk.clock.advance(60)
    replaced = await desk.operator.put("/v1/projects/shop", json=PROJECT | {"title": "Reviews"})
    body = body_of(replaced, 200)
    assert (body["revision"], body["title"]) == (2, "Reviews")
    assert body["created_at"] < body["updated_at"]
    document = await stored(common)
    assert (document.revision, document.title) == (2, "Reviews")


@pytest.mark.any_database
async def test_same_statement_twice_is_one_revision(desk: Desk) -> None:
    await desk.put_project()
    assert (await desk.put_project())["revision"] == 1


@pytest.mark.any_database
async def test_instructions_have_a_revision_of_their_own(desk: Desk) -> None:
    assert (await desk.put_project())["instructions_revision"] == 1
    assert (await desk.put_project(title="Other"))["instructions_revision"] == 1
    changed = await desk.put_project(title="Other", instructions="Read it twice.")
    assert (changed["revision"], changed["instructions_revision"]) == (3, 2)


@pytest.mark.any_database
async def test_if_match_replaces_only_the_named_revision(desk: Desk) -> None:
    put, url = desk.operator.put, "/v1/projects/shop"
    absent = await put(url, json=PROJECT, headers={"If-Match": '"1"'})
    assert problem_of(absent, 409, "conflict")["revision"] is None
    await desk.put_project()
    changed = PROJECT | {"title": "Changed"}
    assert (await put(url, json=changed, headers={"If-Match": '"1"'})).status_code == 200
    stale = await put(url, json=PROJECT, headers={"If-Match": '"1"'})
    assert problem_of(stale, 409, "conflict")["revision"] == 2
    assert body_of(await desk.operator.get(url))["title"] == "Changed"
    odd = await put(url, json=PROJECT, headers={"If-Match": "latest"})
    (fault,) = problem_of(odd, 422, "unprocessable")["errors"]
    assert fault["pointer"] == "/header/If-Match"


async def test_concurrent_puts_end_with_the_newest_revision_in_the_store(
    desk: Desk, common: CommonSettings
) -> None:
    answers = await asyncio.gather(
        *(
            desk.operator.put("/v1/projects/shop", json=PROJECT | {"title": f"Title {number}"})
            for number in range(8)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    newest = body_of(await desk.operator.get("/v1/projects/shop"))
    assert newest["revision"] == 8
    document = await stored(common)
    assert (document.revision, document.title) == (8, newest["title"])


@pytest.mark.any_database
async def test_name_must_follow_the_pattern(desk: Desk) -> None:
    for name in ("Shop", "9shop", "shop_1", "x" * 64):
        answer = await desk.operator.put(f"/v1/projects/{name}", json=PROJECT)
        (fault,) = problem_of(answer, 422, "unprocessable")["errors"]
        assert fault["pointer"] == "/path/project"
        problem_of(await desk.operator.get(f"/v1/projects/{name}"), 404, "not-found")


async def test_list_is_paged_by_name_and_limited_to_the_tokens_projects(desk: Desk) -> None:
    for name in ("bee", "ant", "cat"):
        await desk.put_project(name)
    first = body_of(await desk.operator.get("/v1/projects", params={"limit": 2}))
    assert [project["project"] for project in first["projects"]] == ["ant", "bee"]
    after = {"after": first["cursor"]}
    rest = body_of(await desk.of("caller").get("/v1/projects", params=after))
    assert [project["project"] for project in rest["projects"]] == ["cat"]
    assert rest["cursor"] is None
    limited = body_of(await desk.of("reviewer", "r1", "bee").get("/v1/projects"))
    assert [project["project"] for project in limited["projects"]] == ["bee"]


@pytest.mark.any_database
async def test_bell_rings_once_the_document_is_stored(desk: Desk, common: CommonSettings) -> None:
    async with Doorbells(common.redis_url).listening() as bells:
        await wait_until(lambda: bells.connected)
        with bells.hearing(project_bell("shop")) as rung:
            await desk.put_project()
            await wait_until(rung.is_set)


@pytest.mark.any_database
async def test_document_that_a_crash_left_out_is_written_by_the_worker(
    desk: Desk, common: CommonSettings, home: Path
) -> None:
    await desk.put_project()
    # The store goes away between the commit and the write.
    aside = home / "aside"
    (home / "store").rename(aside)
    (home / "store").write_text("not a folder")
    failed = await desk.operator.put("/v1/projects/shop", json=PROJECT | {"title": "Newer"})
    problem_of(failed, 503, "unavailable")
    assert failed.headers["retry-after"]
    ready = await desk.operator.get("/readyz")
    assert (ready.status_code, ready.json()["missing"]) == (200, {})
    assert {"part": "store", "detail": "not writable"} in ready.json()["degraded"]
    (home / "store").unlink()
    aside.rename(home / "store")

    async def healed() -> bool:
        return (await stored(common)).title == "Newer"

    await wait_until(healed)


@pytest.mark.any_database
async def test_document_that_is_behind_is_written_at_the_next_start(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock, home: Path
) -> None:
    async with open_desk(common, settings, keys, clock) as desk:
        await desk.put_project()
        await desk.put_project("other")
    shutil.rmtree(home / "store" / "shop")
    (home / "store" / "other" / "project.json").write_text("{}")
    async with open_desk(common, settings, keys, clock):
        await wait_until((home / "store" / "shop" / "project.json").exists)
        await wait_until(lambda: (home / "store" / "other" / "project.json").read_text() != "{}")
    assert (await stored(common)).revision == 1


async def test_not_ready_before_the_migrations(
    common: CommonSettings, database_url: str, keys: Keys
) -> None:
    app = create_app(common, ReviewQueueSettings(database_url=database_url))
    async with serve(app) as base_url, client(base_url) as anybody:

        async def lacks_migrations() -> bool:
            ready = await anybody.get("/readyz")
            assert ready.status_code == 503
            return set(ready.json()["missing"]) == {"migrations"}

        await wait_until(lacks_migrations)
        assert (await anybody.get("/healthz")).status_code == 200


async def test_ready_with_database_and_store_and_without_redis(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    without = common.model_copy(update={"redis_url": "redis://127.0.0.1:1"})
    async with open_desk(without, settings, keys, clock) as desk:

        async def is_ready() -> bool:
            ready = await desk.operator.get("/readyz")
            return (ready.status_code, ready.json()["missing"]) == (200, {})

        # On a busy machine a first look at the database may take longer than it is waited for.
        await wait_until(is_ready)


@pytest.mark.any_database
async def test_a_project_that_a_later_release_stored_is_served_and_kept_as_it_is(
    desk: Desk, common: CommonSettings, database_url: str
) -> None:
    await desk.put_project()
    later = {
        "webhooks": [
            {"url": "https://example.org/", "secret_ref": "shop", "events": ["reviewer.paused"]}
        ],
        "seasons": {"summer": 6},
    }
    database = Database(database_url)
    async with database.transaction() as session:
        row = await repository.lock(session, "shop")
        assert row is not None
        sound = {"type": "audio", "max_seconds": 3, "values": ["a"]}
        fields = {**row.spec["fields"], "sound": sound}
        row.spec = {**row.spec, **later, "fields": fields}
        row.revision += 1
    await database.dispose()
    found = body_of(await desk.operator.get("/v1/projects/shop"))
    assert (found["revision"], found["fields"]["sound"]["type"]) == (2, "audio")
    assert "seasons" not in found
    data = {"text": "loud", "sound": {"samples": [1, 2]}}
    (receipt,) = await desk.post({"item_id": "a", "data": data})
    assert receipt["status"] == "created"
    assert (await desk.lease_one("anna"))["task"]["data"] == data
    # What this release does not know reaches the other services all the same.
    store = Store(common.store_address)

    async def published() -> dict[str, Any] | None:
        document: dict[str, Any] = orjson.loads(await store.read(project_path("shop")) or b"{}")
        return document if document.get("revision") == 2 else None

    document = await wait_until(published)
    assert document is not None
    assert document["seasons"] == later["seasons"]
    assert document["fields"]["sound"] == sound
