"""Second opinions: another reviewer, blind, where the trainer doubts one reviewer's answer."""

import pytest

from tests.harness.desk import Desk, Json, body_of, entry, problem_of

pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review={"lease_seconds": 60, "blind": False})


async def known_reviewers(desk: Desk, *names: str) -> None:
    """Let reviewers answer something, so that the project has them."""
    for name in names:
        await desk.post(entry(f"of-{name}"))
        await desk.answer(name, "positive")


async def ask(desk: Desk, item_id: str = "a", revision: int = 1, lane: str = "audit") -> str:
    wanted = {"item_id": item_id, "revision": revision, "lane": lane}
    answer = await desk.service.post(desk.path("second-opinions"), json={"items": [wanted]})
    (receipt,) = body_of(answer)["items"]
    assert receipt["item_id"] == item_id
    return str(receipt["status"])


async def answered_once(desk: Desk, *others: str, lane: str = "audit") -> Json:
    """Let `others` be known, and r1 answer the item "negative"; return what r1 is told."""
    await known_reviewers(desk, *others)
    prediction = {"label": "positive", "confidence": 0.9, "model_version": "v1"}
    await desk.post(entry("a", lane=lane, prediction=prediction))
    return await desk.answer("r1", "negative")


async def revisions(desk: Desk) -> list[tuple[int, str | None, int]]:
    rows = (await desk.outcomes())["outcomes"]
    mine = [row for row in rows if row["item_id"] == "a"]
    return [(row["revision"], row["label"], row["verdicts"]) for row in mine]


async def test_a_second_reviewer_confirms_the_first(desk: Desk) -> None:
    await answered_once(desk, "r2")
    assert await ask(desk) == "asked"
    assert await ask(desk) == "asked"
    assert await desk.lease("r1") == []
    lease = await desk.lease_one("r2")
    assert lease["task"]["suggestion"] is None
    assert (await desk.verdict("r2", lease["token"], "negative"))["state"] == "resolved"
    assert await revisions(desk) == [(1, "negative", 1), (2, "negative", 2)]
    newest = await desk.newest("a")
    assert (newest["source"], newest["blind"], newest["lane"]) == ("consensus", True, "audit")
    assert await ask(desk, revision=2) == "refused"


async def test_a_third_reviewer_decides_between_two(desk: Desk) -> None:
    await answered_once(desk, "r2", "r3")
    assert await ask(desk) == "asked"
    assert (await desk.answer("r2", "positive"))["state"] == "open"
    assert (await desk.answer("r3", "positive"))["outcome"]["label"] == "positive"
    assert await revisions(desk) == [(1, "negative", 1), (2, "positive", 3)]


async def test_an_adjudicator_decides_where_there_is_no_third(desk: Desk) -> None:
    await answered_once(desk, "r2")
    assert await ask(desk) == "asked"
    await desk.answer("r2", "positive")
    path = desk.path("tasks?adjudication=true")
    (task,) = body_of(await desk.operator.get(path))["tasks"]
    assert task["item_id"] == "a"
    path = desk.path(f"tasks/{task['task_id']}/adjudicate")
    body_of(await desk.operator.post(path, json={"label": "positive"}))
    newest = await desk.newest("a")
    assert (newest["revision"], newest["source"], newest["blind"]) == (2, "adjudicator", True)


async def test_without_another_reviewer_nobody_is_asked(desk: Desk) -> None:
    await answered_once(desk)
    assert await ask(desk) == "no_reviewer"
    assert await revisions(desk) == [(1, "negative", 1)]
    await known_reviewers(desk, "r2")
    desk.clock.advance(8 * 86_400)
    assert await ask(desk) == "no_reviewer"


@pytest.mark.parametrize("held", [False, True])
async def test_the_first_reviewer_cannot_tell_that_another_is_asked(desk: Desk, held: bool) -> None:
    told = []
    await known_reviewers(desk, "r2")
    for item_id in ("a", "b"):
        await desk.post(entry(item_id, lane="audit"))
        token = (await desk.lease_one("r1"))["token"]
        verdict = await desk.verdict("r1", token, "negative")
        if item_id == "a":
            assert await ask(desk) == "asked"
            if held:
                await desk.lease_one("r2")
        again = await desk.verdict("r1", token, "negative")
        undone = body_of(await desk.use("r1", token, "undo"))
        answers = [verdict, again, undone, await desk.answer("r1", "positive")]
        told.append([(one["state"], one["outcome"]) for one in answers])
    assert told[0] == told[1]
    # What was taken back is no blind answer.
    assert await revisions(desk) == [(1, "negative", 1), (2, None, 0), (3, "positive", 1)]
    assert (await desk.newest("a"))["blind"] is False


async def test_what_is_not_one_answer_is_refused(desk: Desk) -> None:
    assert await ask(desk) == "refused"
    await known_reviewers(desk, "r2")
    await desk.post(entry("a", lane="audit"))
    assert await ask(desk) == "refused"
    await desk.answer("r1", "negative")
    assert await ask(desk, revision=2) == "refused"
    await desk.put_project(review={"overlap": 2, "lease_seconds": 60})
    await desk.post(entry("two", lane="audit"))
    await desk.answer("r1", "negative")
    await desk.answer("r2", "negative")
    assert await ask(desk, "two") == "refused"
    body = {"items": [{"item_id": "a", "revision": 1, "lane": "audit"}]}
    answer = await desk.reviewer("r1").post(desk.path("second-opinions"), json=body)
    problem_of(answer, 403, "forbidden")


async def test_second_opinions_are_no_measure_of_agreement(desk: Desk) -> None:
    await answered_once(desk, "r2")
    assert await ask(desk) == "asked"
    await desk.answer("r2", "negative")
    found = body_of(await desk.service.get(desk.path("human-error")))
    assert found["compared"] == 0


async def test_an_item_of_another_lane_is_asked_again_blind(desk: Desk) -> None:
    await answered_once(desk, "r2", lane="mandatory")
    assert await ask(desk, lane="certification") == "asked"
    assert (await desk.lease_one("r2"))["task"]["suggestion"] is None
