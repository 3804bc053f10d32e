import pytest

from tests.harness.desk import Desk, Json, body_of, entry, problem_of

pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


async def undo(desk: Desk, name: str, token: str) -> Json:
    return body_of(await desk.use(name, token, "undo"))


async def test_undone_verdict_comes_back_to_its_reviewer_as_later_revisions(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a", lane="audit"))
    lease = await desk.lease_one("r1")
    await desk.post(entry("b"))
    await desk.verdict("r1", lease["token"], "negative")
    undone = await undo(desk, "r1", lease["token"])
    assert undone["state"] == "open"
    assert undone["outcome"] == {"label": None, "revision": 2}
    item = body_of(await desk.service.get(desk.path("outcomes/a")))
    assert (item["status"], item["label"], item["revision"]) == ("in_review", None, 2)
    # It waits for r1 alone, and keeps its lane.
    assert [one["task"]["item_id"] for one in await desk.lease("r2", 9)] == ["b"]
    again = await desk.lease_one("r1")
    assert again["task"]["item_id"] == "a"
    assert again["token"] != lease["token"]
    progress = await desk.verdict("r1", again["token"], "positive")
    assert progress["outcome"] == {"label": "positive", "revision": 3}
    rows = [row for row in (await desk.outcomes())["outcomes"] if row["item_id"] == "a"]
    assert [row["label"] for row in rows] == ["negative", None, "positive"]
    # He has seen the first outcome: his second answer is no evidence.
    assert [row["blind"] for row in rows] == [True, True, False]
    assert {row["lane"] for row in rows} == {"audit"}
    assert await desk.kinds(receipt["task_id"]) == [
        *("created", "leased", "verdict", "resolved", "undone"),
        *("leased", "verdict", "resolved"),
    ]


async def test_undone_task_goes_to_others_when_its_reviewer_stays_away(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.verdict("r1", lease["token"], "negative")
    await undo(desk, "r1", lease["token"])
    desk.clock.advance(59)
    assert await desk.lease("r2") == []
    desk.clock.advance(1)
    assert len(await desk.lease("r2")) == 1


async def test_repeated_undo_gets_the_same_reply_and_changes_nothing(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    problem_of(await desk.use("r1", lease["token"], "undo"), 409, "conflict")
    await desk.verdict("r1", lease["token"], "negative")
    first = await undo(desk, "r1", lease["token"])
    assert await undo(desk, "r1", lease["token"]) == first
    # Also once the task has gone on.
    progress = await desk.answer("r1", "positive")
    assert await undo(desk, "r1", lease["token"]) == first
    assert (await desk.task(receipt["task_id"]))["label"] == progress["outcome"]["label"]
    assert (await desk.kinds(receipt["task_id"])).count("undone") == 1
    late = await desk.use("r1", lease["token"], "verdict", {"label": "negative"})
    problem_of(late, 409, "conflict")


async def test_undo_is_a_conflict_once_the_task_has_moved_on(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.verdict("r1", lease["token"], "negative")
    await desk.operator.post(desk.path(f"tasks/{receipt['task_id']}/reopen"))
    problem_of(await desk.use("r1", lease["token"], "undo"), 409, "conflict")


async def test_undone_skip_comes_back_and_counts_no_longer(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.use("r1", lease["token"], "skip", {})
    undone = await undo(desk, "r1", lease["token"])
    assert (undone["state"], undone["outcome"]) == ("open", None)
    assert await undo(desk, "r1", lease["token"]) == undone
    assert (await desk.task(receipt["task_id"]))["skips"] == 0
    assert len(await desk.lease("r1")) == 1


async def test_last_skip_can_be_undone(desk: Desk) -> None:
    await desk.post(entry("a"))
    for name in ("r1", "r2"):
        lease = await desk.lease_one(name)
        await desk.use(name, lease["token"], "skip", {})
    undone = await undo(desk, "r2", lease["token"])
    assert (undone["state"], undone["outcome"]["revision"]) == ("open", 2)
    progress = await desk.answer("r2", "positive")
    assert (progress["outcome"]["revision"], progress["outcome"]["label"]) == (3, "positive")


async def test_undo_of_a_skip_leaves_the_next_reviewer_in_peace(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.use("r1", lease["token"], "skip", {})
    other = await desk.lease_one("r2")
    assert (await undo(desk, "r1", lease["token"]))["state"] == "leased"
    progress = await desk.verdict("r2", other["token"], "positive")
    assert progress["outcome"]["label"] == "positive"


async def test_reopened_task_can_be_answered_by_anybody_as_later_revisions(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a", lane="certification"))
    await desk.answer("r1", "negative")
    url = desk.path(f"tasks/{receipt['task_id']}/reopen")
    reopened = body_of(await desk.operator.post(url))
    assert reopened["state"] == "open"
    assert (reopened["outcome"]["revision"], reopened["outcome"]["label"]) == (2, None)
    progress = await desk.answer("r1", "positive")
    assert progress["outcome"]["revision"] == 3
    assert (await desk.newest("a"))["lane"] == "certification"
    item = body_of(await desk.service.get(desk.path("outcomes/a")))
    assert (item["label"], item["revision"]) == ("positive", 3)


async def test_reopening_forgets_the_skips(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    for name in ("r1", "r2"):
        lease = await desk.lease_one(name)
        await desk.use(name, lease["token"], "skip", {})
    await desk.operator.post(desk.path(f"tasks/{receipt['task_id']}/reopen"))
    lease = await desk.lease_one("r1")
    assert body_of(await desk.use("r1", lease["token"], "skip", {}))["state"] == "open"


async def test_only_a_resolved_task_can_be_reopened(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    url = desk.path(f"tasks/{receipt['task_id']}/reopen")
    assert problem_of(await desk.operator.post(url), 409, "conflict")["state"] == "open"
    await desk.put_project(desk.named("other"))
    elsewhere = url.replace(desk.project, desk.named("other"))
    problem_of(await desk.operator.post(elsewhere), 404, "not-found")
