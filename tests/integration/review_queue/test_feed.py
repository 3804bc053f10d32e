import asyncio
from typing import Any

import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.clock import Clock
from tests.harness.desk import Desk, Json, body_of, entry, open_desk


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


async def read_all(desk: Desk, expected: int, limit: int) -> list[Json]:
    """Follow the feed until it has given `expected` rows, then look once more."""
    rows: list[Json] = []
    cursor: str | None = None
    while len(rows) < expected:
        page = await desk.outcomes(cursor, limit=limit, wait_seconds=60)
        rows += page["outcomes"]
        cursor = page["cursor"]
    rows += (await desk.outcomes(cursor))["outcomes"]
    return rows


async def answer_everything(desk: Desk, name: str) -> None:
    while leases := await desk.lease(name, 2):
        for lease in leases:
            await desk.verdict(name, lease["token"], "positive")
            await desk.use(name, lease["token"], "undo")
        for lease in await desk.lease(name, 2):
            await desk.verdict(name, lease["token"], "negative")


@pytest.mark.thorough
@pytest.mark.own_desk
async def test_readers_beside_concurrent_writers_skip_nothing_and_double_nothing(
    desk: Desk, common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    wanted = [f"item-{number}" for number in range(40)]
    await desk.post(*(entry(name) for name in wanted))
    async with open_desk(common, settings, keys, clock) as other:
        reads = [read_all(desk, 120, limit=7), read_all(other, 120, limit=1000)]
        writes = [
            answer_everything(replica, f"r{number}")
            for number, replica in enumerate([desk, other] * 3)
        ]
        (first, second), _ = await asyncio.gather(asyncio.gather(*reads), asyncio.gather(*writes))
    assert first == second
    assert len(first) == 120
    for name in wanted:
        revisions = [(row["revision"], row["label"]) for row in first if row["item_id"] == name]
        assert revisions == [(1, "positive"), (2, None), (3, "negative")]


async def test_cursor_is_never_null_and_holds_its_place(desk: Desk) -> None:
    empty = await desk.outcomes()
    assert empty["outcomes"] == []
    await desk.post(entry("a"), entry("b"))
    await desk.answer("r1", "positive")
    first = await desk.outcomes(empty["cursor"])
    assert [row["item_id"] for row in first["outcomes"]] == ["a"]
    nothing = await desk.outcomes(first["cursor"])
    assert (nothing["outcomes"], nothing["cursor"]) == ([], first["cursor"])
    await desk.answer("r1", "negative")
    second = await desk.outcomes(first["cursor"])
    assert [row["item_id"] for row in second["outcomes"]] == ["b"]
    assert (await desk.outcomes())["outcomes"] == first["outcomes"] + second["outcomes"]


@pytest.mark.own_desk
@pytest.mark.any_database
async def test_an_empty_feed_is_read_again_and_again(desk: Desk) -> None:
    page = await desk.outcomes()
    for _ in range(2):
        again = await desk.outcomes(page["cursor"])
        assert again == page


async def test_tail_is_the_end_of_the_feed_and_all_that_comes_is_behind_it(desk: Desk) -> None:
    empty = await desk.outcomes(tail=True)
    await desk.post(entry("a"), entry("b"))
    await desk.answer("r1", "positive")
    tail = await desk.outcomes(tail=True)
    assert tail["outcomes"] == []
    assert (await desk.outcomes(tail["cursor"]))["outcomes"] == []
    await desk.answer("r1", "negative")
    assert [row["item_id"] for row in (await desk.outcomes(tail["cursor"]))["outcomes"]] == ["b"]
    behind = (await desk.outcomes(empty["cursor"]))["outcomes"]
    assert [row["item_id"] for row in behind] == ["a", "b"]


@pytest.mark.thorough
@pytest.mark.own_desk
async def test_tails_beside_concurrent_writers_part_what_was_from_what_comes(
    desk: Desk, common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    wanted = {f"item-{number}" for number in range(24)}
    await desk.post(*map(entry, sorted(wanted)))
    begun: set[str] = set()
    done: set[str] = set()
    answered_before: dict[str, set[str]] = {}
    begun_after: dict[str, set[str]] = {}

    async def answer(replica: Desk, name: str) -> None:
        while leases := await replica.lease(name, 1):
            item_id = leases[0]["task"]["item_id"]
            begun.add(item_id)
            await replica.verdict(name, leases[0]["token"], "positive")
            done.add(item_id)

    async def follow(replica: Desk) -> None:
        while len(done) < 24:
            before = set(done)
            cursor = (await replica.outcomes(tail=True))["cursor"]
            answered_before.setdefault(cursor, set()).update(before)
            begun_after.setdefault(cursor, set()).update(wanted - begun)

    async with open_desk(common, settings, keys, clock) as other:
        answers = [answer(one, f"r{number}") for number, one in enumerate([desk, other] * 2)]
        await asyncio.gather(*answers, follow(desk), follow(other))
    for cursor, before in answered_before.items():
        behind = {row["item_id"] for row in (await desk.outcomes(cursor))["outcomes"]}
        assert not behind & before
        assert behind >= begun_after[cursor]


async def test_brief_feed_is_the_same_without_what_may_be_large(desk: Desk) -> None:
    await desk.post(
        entry("a", metadata={"channel": "web"}, prediction={"label": "positive"}), entry("b")
    )
    await desk.answer("r1", "negative")
    await desk.answer("r1", "positive")
    whole, brief = await desk.outcomes(limit=1), await desk.outcomes(limit=1, brief=True)
    assert whole["outcomes"][0]["data"] == {"text": "text of a"}
    empty: Json = {"data": {}, "metadata": {}, "prediction": None}
    digest = brief["outcomes"][0].pop("data_digest")
    assert len(digest) == 64
    assert brief["outcomes"] == [whole["outcomes"][0] | empty]
    assert brief["cursor"] == whole["cursor"]


async def test_many_items_are_looked_up_at_once(desk: Desk) -> None:
    await desk.post(entry("a"), entry("b"))
    await desk.answer("r1", "positive")
    url = desk.path("outcomes")
    payload = {"item_ids": ["b", "nobody", "a", "b"]}
    found = body_of(await desk.of("caller").post(url, json=payload))["outcomes"]
    assert [(one["item_id"], one["status"], one["label"]) for one in found] == [
        ("b", "in_review", None),
        ("a", "resolved", "positive"),
        ("b", "in_review", None),
    ]
    assert found[1] == body_of(await desk.of("caller").get(f"{url}/a"))


async def test_feed_is_of_one_project(desk: Desk) -> None:
    await desk.put_project(desk.named("other"))
    await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    other = body_of(await desk.service.get(desk.path("outcomes", desk.named("other"))))
    assert other["outcomes"] == []


@pytest.mark.any_database
async def test_waiting_reader_gets_what_comes(desk: Desk) -> None:
    await desk.post(entry("a"))
    waiting = asyncio.create_task(desk.outcomes(wait_seconds=60))
    await asyncio.sleep(0)
    await desk.answer("r1", "positive")
    assert [row["item_id"] for row in (await waiting)["outcomes"]] == ["a"]


@pytest.mark.any_database
async def test_waiting_caller_gets_the_outcome_of_his_item(desk: Desk) -> None:
    await desk.post(entry("a"))
    url = desk.path("outcomes/a")
    reviewing: dict[str, Any] = body_of(await desk.of("caller").get(url))
    assert (reviewing["status"], reviewing["label"], reviewing["revision"]) == (
        "in_review",
        None,
        0,
    )
    waiting = asyncio.create_task(desk.of("caller").get(url, params={"wait_seconds": 60}))
    await asyncio.sleep(0)
    await desk.answer("r1", "positive")
    resolved = body_of(await waiting)
    assert (resolved["status"], resolved["label"], resolved["source"]) == (
        "resolved",
        "positive",
        "human",
    )


@pytest.mark.any_database
async def test_corrections_carry_the_instructions_that_the_reviewer_had(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.put_project(instructions="Read it twice.")
    await desk.verdict("r1", lease["token"], "positive")
    await desk.use("r1", lease["token"], "undo")
    assert (await desk.lease_one("r1"))["task"]["instructions_revision"] == 2
    rows = (await desk.outcomes())["outcomes"]
    assert [row["instructions_revision"] for row in rows] == [1, 1]


@pytest.mark.any_database
async def test_a_caller_reads_labels_of_its_projects_and_no_content(desk: Desk) -> None:
    await desk.post(entry("a"), entry("b"))
    (lease, *_) = await desk.lease("r1", 2)
    await desk.verdict("r1", lease["token"], "negative")
    item_id = lease["task"]["item_id"]
    path, caller = desk.path("outcomes"), desk.of("caller")
    page = body_of(await caller.get(path, params={"wait_seconds": 5}))
    (row,) = page["outcomes"]
    members = {"item_id", "task_id", "revision", "label", "source", "resolved_at"}
    assert row.keys() == members
    assert (row["item_id"], row["revision"], row["label"]) == (item_id, 1, "negative")
    assert body_of(await caller.get(path, params={"after": page["cursor"]}))["outcomes"] == []
    assert body_of(await caller.get(path, params={"tail": True})) == {
        "outcomes": [],
        "cursor": page["cursor"],
    }
    asked = body_of(await caller.post(path, json={"item_ids": ["a", "b"]}))["outcomes"]
    assert {one["item_id"]: one["label"] for one in asked} == {"a": None, "b": None} | {
        item_id: "negative"
    }
    # The lane of what waits is told to services alone.
    assert all("lane" not in one for one in asked)
    told = body_of(await desk.service.post(path, json={"item_ids": ["a", "b"]}))["outcomes"]
    assert sorted(str(one.get("lane")) for one in told) == ["None", "mandatory"]
    elsewhere = desk.of("caller", project="other")
    assert (await elsewhere.get(path)).status_code == 403
