"""Feedback: given by reviewers, answered by operators, seen by all."""

import pytest

from tests.harness.desk import Desk, Json, body_of, entry, problem_of


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


async def give(desk: Desk, name: str = "r1", **body: object) -> Json:
    return body_of(
        await desk.reviewer(name).post(desk.path("feedback"), json={"text": "Unclear.", **body})
    )


async def listed(desk: Desk, name: str = "r2", **query: str | int | bool) -> Json:
    return body_of(await desk.reviewer(name).get(desk.path("feedback"), params=query))


async def test_what_one_says_all_see_with_its_answer(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    await give(desk, about="instructions")
    await give(desk, about="label", label="negative")
    said = await give(desk, about="item", task_id=receipt["task_id"])
    assert (said["author"], said["instructions_revision"], said["answer"]) == ("r1", 1, None)
    answer = await desk.operator.post(
        desk.path(f"feedback/{said['feedback_id']}/answer"), json={"text": "Yes."}
    )
    answered = body_of(answer)
    assert (answered["answer"], answered["answered_by"]) == ("Yes.", "operator")
    seen = (await listed(desk))["feedback"]
    assert [one["about"] for one in seen] == ["item", "label", "instructions"]
    assert [one["item_id"] for one in seen] == ["a", None, None]
    assert seen[0] == answered
    waiting = (await listed(desk, answered=False))["feedback"]
    assert [one["about"] for one in waiting] == ["label", "instructions"]


@pytest.mark.any_database
async def test_an_answer_is_given_once(desk: Desk) -> None:
    said = await give(desk, about="instructions")
    path = desk.path(f"feedback/{said['feedback_id']}/answer")
    first = body_of(await desk.operator.post(path, json={"text": "Yes."}))
    assert body_of(await desk.operator.post(path, json={"text": "Yes."})) == first
    problem_of(await desk.operator.post(path, json={"text": "No."}), 409, "conflict")
    problem_of(await desk.reviewer("r1").post(path, json={"text": "No."}), 403, "forbidden")


@pytest.mark.any_database
async def test_feedback_about_nothing_is_refused(desk: Desk) -> None:
    for body in (
        {"about": "item"},
        {"about": "label"},
        {"about": "label", "label": "neither"},
        {"about": "instructions", "label": "negative"},
        {"about": "instructions", "text": ""},
    ):
        answer = await desk.reviewer("r1").post(desk.path("feedback"), json={"text": "Hm.", **body})
        problem_of(answer, 422, "unprocessable")


@pytest.mark.any_database
async def test_feedback_on_an_unknown_task_or_remark_is_not_found(desk: Desk) -> None:
    unknown = {"about": "item", "task_id": "nothing", "text": "Hm."}
    problem_of(
        await desk.reviewer("r1").post(desk.path("feedback"), json=unknown), 404, "not-found"
    )
    answer = await desk.operator.post(desk.path("feedback/99/answer"), json={"text": "Yes."})
    problem_of(answer, 404, "not-found")


async def test_pages_follow_one_another(desk: Desk) -> None:
    for number in range(5):
        await give(desk, about="instructions", text=f"remark {number}")
    seen, cursor = [], ""
    while True:
        page = await listed(desk, limit=2, after=cursor)
        seen += [one["text"] for one in page["feedback"]]
        if page["cursor"] is None:
            break
        cursor = page["cursor"]
    assert seen == [f"remark {number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.any_database
async def test_same_remark_once_more_is_the_same_until_something_has_happened(desk: Desk) -> None:
    first = await give(desk, about="instructions")
    assert await give(desk, about="instructions") == first
    other = await give(desk, "r2", about="instructions")
    await give(desk, about="label", label="negative")
    again = await give(desk, about="instructions")
    path = desk.path(f"feedback/{again['feedback_id']}/answer")
    body_of(await desk.operator.post(path, json={"text": "Yes."}))
    asked = await give(desk, about="instructions")
    ids = [first["feedback_id"], other["feedback_id"], again["feedback_id"], asked["feedback_id"]]
    assert len(set(ids)) == len(ids)


async def test_what_was_said_of_an_item_is_not_answered_once_it_is_erased(desk: Desk) -> None:
    await desk.put_project()
    (receipt,) = await desk.post(entry("a"))
    remark = {"about": "item", "task_id": receipt["task_id"], "text": "Who is that?"}
    url = desk.path("feedback")
    given = body_of(await desk.reviewer("r1").post(url, json=remark))
    body_of(await desk.operator.delete(desk.path("items/a")))
    answer = await desk.operator.post(f"{url}/{given['feedback_id']}/answer", json={"text": "He."})
    problem_of(answer, 410, "item-erased")
