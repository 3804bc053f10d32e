import asyncio
from datetime import datetime, timedelta

import httpx
import pytest

from services.review_queue.desk.messages import Progress
from services.review_queue.desk.service import COUNTED_FOR_SECONDS, ProgressService
from services.review_queue.quality.answer_cache import AnswerCache
from shared.contracts.base import rfc3339
from shared.db import Database
from tests.harness import wait_until
from tests.harness.desk import Desk, Json, body_of, entry, problem_of
from tests.harness.statements import statements_of


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review={"max_overlap": 2})


async def my(desk: Desk, name: str, what: str, **query: str) -> Json:
    return body_of(await desk.reviewer(name).get(desk.path(f"reviewers/me/{what}"), params=query))


async def read(desk: Desk, name: str, revision: int) -> httpx.Response:
    return await desk.reviewer(name).put(
        desk.path("reviewers/me/instructions"), json={"revision": revision}
    )


async def cases(desk: Desk, **query: str | int) -> list[Json]:
    answer = await desk.operator.get(desk.path("adjudications"), params=query)
    return list(body_of(answer)["adjudications"])


async def items_of_all_pages(desk: Desk) -> list[str]:
    """The items of the pages, one each."""
    found: list[str] = []
    after = ""
    while True:
        page = body_of(
            await desk.operator.get(desk.path("adjudications"), params={"limit": 1, "after": after})
        )
        found += [case["item_id"] for case in page["adjudications"]]
        after = page["cursor"]
        if after is None:
            return found


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
    progress = await my(desk, "anna", "progress", since=rfc3339(start))
    assert progress == {"open": 2, "leased": 1, "verdicts": 1, "skips": 1}
    earlier = await my(desk, "anna", "progress", since=rfc3339(start - timedelta(days=1)))
    assert (earlier["verdicts"], earlier["skips"]) == (2, 1)
    given = [{"label": "negative", "answers": 1}, {"label": "positive", "answers": 1}]
    assert await my(desk, "anna", "labels") == {"labels": given}
    assert await my(desk, "carla", "labels") == {"labels": []}


@pytest.mark.any_database
async def test_open_pages_share_one_count_for_some_seconds(desk: Desk) -> None:
    await desk.post(*(entry(f"item-{number}") for number in range(6)))
    database, moment = Database(desk.database_url), [0.0]
    known = AnswerCache[tuple[int, datetime]](
        clock=lambda: moment[0], longest_seconds=COUNTED_FOR_SECONDS
    )
    records = ProgressService(database, desk.clock, known)

    async def seen(name: str) -> Progress:
        moment[0] += 1e-6
        return await records.progress(desk.project, name, desk.clock() - timedelta(days=1))

    with statements_of(database) as asked:

        def counts() -> int:
            return sum("GROUP BY tasks.lane" in statement for statement in asked)

        first = await asyncio.gather(*(seen(f"r{number}") for number in range(64)))
        assert ({one.open for one in first}, counts()) == ({6}, 1)
        lease = await desk.lease_one("anna")
        assert ((await seen("anna")).leased, (await seen("anna")).verdicts) == (1, 0)
        await desk.verdict("anna", lease["token"], "positive")
        # The reviewer's own answer shows at once, what is open a little later.
        assert await seen("anna") == Progress(open=6, leased=0, verdicts=1, skips=0)
        moment[0] += COUNTED_FOR_SECONDS
        assert ((await seen("anna")).open, counts()) == (5, 2)
    await database.dispose()


async def test_instructions_are_to_be_read_again_when_they_change(desk: Desk) -> None:
    standing = await my(desk, "anna", "standing")
    assert standing == {
        "reviewer": "anna",
        "instructions_revision": 1,
        "read_revision": 0,
        "has_read": False,
        "pause": None,
    }
    problem_of(await read(desk, "anna", 2), 422, "unprocessable")
    assert body_of(await read(desk, "anna", 1))["has_read"]
    assert not (await my(desk, "boris", "standing"))["has_read"]
    await desk.put_project(instructions="Read it twice.", review={"max_overlap": 2})
    assert not (await my(desk, "anna", "standing"))["has_read"]
    for revision in (2, 1):
        newest = body_of(await read(desk, "anna", revision))
    assert (newest["read_revision"], newest["has_read"]) == (2, True)
    await desk.put_project(instructions=" ", review={"max_overlap": 2})
    assert (await my(desk, "boris", "standing"))["has_read"]


@pytest.mark.any_database
async def test_a_paused_reviewer_is_told_why(desk: Desk) -> None:
    path = desk.path("reviewers/anna/pause")
    body_of(await desk.operator.post(path, json={"reason": "Please call me."}))
    pause = (await my(desk, "anna", "standing"))["pause"]
    assert pause["reason"] == "Please call me."
    assert pause.keys() == {"reason", "paused_at"}


@pytest.mark.any_database
async def test_only_people_have_a_standing_and_only_operators_see_cases(desk: Desk) -> None:
    for what in ("standing", "progress", "labels"):
        answer = await desk.service.get(desk.path(f"reviewers/me/{what}"))
        problem_of(answer, 403, "forbidden")
    problem_of(await desk.reviewer("anna").get(desk.path("adjudications")), 403, "forbidden")
    none = desk.path("adjudications", desk.named("none"))
    problem_of(await desk.operator.get(none), 404, "not-found")
    wrong = {"after": "?"}
    refused = await desk.operator.get(desk.path("adjudications"), params=wrong)
    problem_of(refused, 422, "unprocessable")


async def test_what_was_skipped_is_to_be_adjudicated_until_it_has_a_label(desk: Desk) -> None:
    await desk.post(entry("open"), entry("resolved"), entry("plain"))
    for name, item in (("anna", "open"), ("anna", "resolved"), ("boris", "resolved")):
        held = {lease["task"]["item_id"]: lease["token"] for lease in await desk.lease(name, 3)}
        await desk.use(name, held.pop(item), "skip", {"reason": f"{name} cannot tell"})
        for token in held.values():
            await desk.use(name, token, "release")
    assert sorted(await items_of_all_pages(desk)) == ["open", "resolved"]
    by_item = {case["item_id"]: case for case in await cases(desk)}
    said = [(one["reviewer"], one["comment"]) for one in by_item["resolved"]["answers"]]
    assert said == [("anna", "anna cannot tell"), ("boris", "boris cannot tell")]
    assert by_item["open"]["data"] == {"text": "text of open"}
    for item, state in (("open", "open"), ("resolved", "resolved")):
        case = by_item[item]
        assert case["state"] == state
        path = desk.path(f"tasks/{case['task_id']}")
        if state == "resolved":
            body_of(await desk.operator.post(f"{path}/reopen"))
        body_of(await desk.operator.post(f"{path}/adjudicate", json={"label": "positive"}))
    assert await cases(desk) == []


async def test_what_was_skipped_and_has_expired_is_nobodys_case(desk: Desk) -> None:
    due_at = rfc3339(desk.clock() + timedelta(seconds=100))
    await desk.post(entry("a", lane="optional", due_at=due_at))
    lease = await desk.lease_one("anna")
    await desk.use("anna", lease["token"], "skip")
    assert [case["item_id"] for case in await cases(desk)] == ["a"]
    desk.clock.advance(100)

    async def gone() -> bool:
        return await cases(desk) == []

    await wait_until(gone)


async def test_cases_come_oldest_first_in_pages(desk: Desk) -> None:
    names = [f"item-{number:02}" for number in range(5)]
    for name in names:
        await desk.post(entry(name))
        desk.clock.advance(1)
        lease = await desk.lease_one("anna")
        await desk.use("anna", lease["token"], "skip")
    assert await items_of_all_pages(desk) == names


@pytest.mark.any_database
async def test_a_lease_says_how_long_it_lasts(desk: Desk) -> None:
    await desk.put_project(review={"max_overlap": 2, "lease_seconds": 90})
    await desk.post(entry("a"))
    assert (await desk.lease_one("anna"))["lease_seconds"] == 90
