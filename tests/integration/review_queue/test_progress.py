import asyncio
import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event

from services.review_queue.quality.answer_cache import AnswerCache
from services.review_queue.ui.progress import COUNTED_FOR_SECONDS, Progress, ProgressService
from shared.contracts.base import rfc3339
from shared.db import Database
from tests.harness import wait_until
from tests.harness.desk import Desk, body_of, entry
from tests.integration.review_queue.test_entry import Visitor


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review={"max_overlap": 2})


async def operator(desk: Desk, visitor: Visitor) -> None:
    await visitor.sign_in(desk.keys.issue("operator", "olga"))


def matters(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return re.findall(r'aria-label="Item ([^"]+)"', page.text)


def revision_of(page: httpx.Response) -> str:
    (revision,) = re.findall(r'name="revision" value="(\d+)"', page.text)
    return str(revision)


async def test_progress_counts_what_stands_since_the_day_began(desk: Desk) -> None:
    await desk.post(*(entry(f"item-{number}") for number in range(6)))
    await desk.answer("anna", "positive")
    desk.clock.advance(3600)
    start = desk.clock()
    await desk.answer("anna", "negative")
    lease = await desk.lease_one("anna")
    await desk.use("anna", lease["token"], "skip")
    undone = await desk.lease_one("anna")
    await desk.verdict("anna", undone["token"], "positive")
    await desk.use("anna", undone["token"], "undo")
    await desk.answer("boris", "positive")
    await desk.lease_one("anna")
    async with Visitor(desk.base_url) as anna:
        await anna.sign_in(desk.keys.issue("reviewer", "anna"))
        query = {"since": rfc3339(start)}
        progress = body_of(await anna.http.get(desk.page("progress"), params=query))
        assert progress == {"open": 2, "leased": 1, "verdicts": 1, "skips": 1}
        query = {"since": rfc3339(start - timedelta(days=1))}
        earlier = body_of(await anna.http.get(desk.page("progress"), params=query))
        assert (earlier["verdicts"], earlier["skips"]) == (2, 1)
        page = await anna.http.get(desk.page("me"), params=query)
        assert page.status_code == 200
        assert re.findall(r'max="(\d+)" value="(\d+)"', page.text) == [("2", "1"), ("2", "1")]


async def test_open_pages_share_one_count_for_some_seconds(desk: Desk) -> None:
    await desk.post(*(entry(f"item-{number}") for number in range(6)))
    database, moment, counts = Database(desk.database_url), [0.0], 0
    known = AnswerCache[tuple[int, datetime]](
        clock=lambda: moment[0], longest_seconds=COUNTED_FOR_SECONDS
    )
    records = ProgressService(database, desk.clock, known)

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        nonlocal counts
        counts += "GROUP BY tasks.lane" in sql

    event.listen(Engine, "before_cursor_execute", note)

    async def seen(name: str) -> Progress:
        moment[0] += 1e-6
        return await records.progress(desk.project, name, desk.clock() - timedelta(days=1))

    first = await asyncio.gather(*(seen(f"r{number}") for number in range(64)))
    assert ({one.open for one in first}, counts) == ({6}, 1)
    lease = await desk.lease_one("anna")
    assert ((await seen("anna")).leased, (await seen("anna")).verdicts) == (1, 0)
    await desk.verdict("anna", lease["token"], "positive")
    # His own answer shows at once, what is open a little later.
    assert await seen("anna") == Progress(open=6, leased=0, verdicts=1, skips=0)
    moment[0] += COUNTED_FOR_SECONDS
    assert ((await seen("anna")).open, counts) == (5, 2)
    event.remove(Engine, "before_cursor_execute", note)
    await database.dispose()


async def all_matters(desk: Desk, operator: Visitor) -> list[str]:
    """The items of the pages, one each."""
    found: list[str] = []
    address = desk.page("adjudicate")
    while address:
        page = await operator.http.get(address)
        found += matters(page)
        following = re.search(r'href="(\?after=[^"]+)"', page.text)
        address = desk.page(f"adjudicate{following.group(1)}") if following else ""
    return found


async def test_what_was_skipped_is_to_be_adjudicated_until_it_has_a_label(desk: Desk) -> None:
    await desk.post(entry("open"), entry("resolved"), entry("plain"))
    for name, item in (("anna", "open"), ("anna", "resolved"), ("boris", "resolved")):
        held = {lease["task"]["item_id"]: lease["token"] for lease in await desk.lease(name, 3)}
        await desk.use(name, held.pop(item), "skip", {"reason": f"{name} cannot tell"})
        for token in held.values():
            await desk.use(name, token, "release")
    async with Visitor(desk.base_url) as olga:
        await operator(desk, olga)
        page = await olga.http.get(desk.page("adjudicate"))
        assert sorted(await all_matters(desk, olga)) == ["open", "resolved"]
        assert "cannot tell" in page.text
        rows = body_of(await desk.operator.get(desk.path("tasks")))["tasks"]
        for row in rows[:2]:
            revision = str((await desk.task(row["task_id"]))["revision"])
            form = {"label": "positive", "revision": revision}
            path = desk.page(f"adjudicate/{row['task_id']}")
            for _ in range(2):
                answer = await olga.http.post(path, data=form, headers=olga.origin)
            # The second time the page was out of date.
            assert answer.status_code == 409
            settled = await desk.task(row["task_id"])
            assert (settled["state"], settled["label"]) == ("resolved", "positive")
            assert settled["timeline"][-2]["actor"] == "olga"
        assert matters(await olga.http.get(desk.page("adjudicate"))) == []


async def test_what_was_skipped_and_has_expired_is_nobodys_matter(desk: Desk) -> None:
    due_at = rfc3339(desk.clock() + timedelta(seconds=100))
    await desk.post(entry("a", lane="optional", due_at=due_at))
    lease = await desk.lease_one("anna")
    await desk.use("anna", lease["token"], "skip")
    async with Visitor(desk.base_url) as olga:
        await operator(desk, olga)
        assert matters(await olga.http.get(desk.page("adjudicate"))) == ["a"]
        desk.clock.advance(100)

        async def gone() -> bool:
            return matters(await olga.http.get(desk.page("adjudicate"))) == []

        await wait_until(gone)


async def test_adjudication_refuses_labels_and_tasks_that_there_are_not(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    async with Visitor(desk.base_url) as olga:
        await operator(desk, olga)
        path = desk.page("adjudicate")
        for task_id, label, status in (
            (receipt["task_id"], "neither", 422),
            (receipt["task_id"], "", 422),
            ("nonsense", "positive", 404),
        ):
            form = {"label": label, "revision": "0"}
            answer = await olga.http.post(f"{path}/{task_id}", data=form, headers=olga.origin)
            assert answer.status_code == status
            assert "<h1>" in answer.text
        assert (await olga.http.get(path, params={"after": "?"})).status_code == 422
        assert (await desk.task(receipt["task_id"]))["state"] == "open"


async def test_matters_come_one_by_one(desk: Desk) -> None:
    names = [f"item-{number:02}" for number in range(5)]
    for name in names:
        await desk.post(entry(name))
        desk.clock.advance(1)
        lease = await desk.lease_one("anna")
        await desk.use("anna", lease["token"], "skip")
    async with Visitor(desk.base_url) as olga:
        await operator(desk, olga)
        found = await all_matters(desk, olga)
        assert (await olga.http.get(desk.page("adjudicate"))).text.count("<article") == 1
    assert found == names
