"""Labels that a project has no more: what was said with them counts no longer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.harness import wait_until
from tests.integration.review_queue.desk import Desk, Json, body_of, entry
from tests.integration.review_queue.exchange.files import lines, records_of, send, take_in

THREE = {"overlap": 3, "max_overlap": 3, "lease_seconds": 60}


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await with_labels(desk, "a", "b", "c")


async def with_labels(desk: Desk, *labels: str, **review: Any) -> None:
    await desk.put_project(labels=labels, review=THREE | review)


async def half_answered(desk: Desk) -> str:
    """A task with two votes for a label that has gone since."""
    (receipt,) = await desk.post(entry("x"))
    for name in ("r1", "r2"):
        await desk.answer(name, "c")
    await with_labels(desk, "a", "b")
    return str(receipt["task_id"])


async def votes(desk: Desk) -> list[tuple[str, str]]:
    (record,) = await records_of(desk)
    return [(one["reviewer"], one["label"]) for one in record["verdicts"]]


async def test_votes_for_it_make_no_outcome_and_their_givers_are_asked_again(desk: Desk) -> None:
    task_id = await half_answered(desk)
    third = await desk.answer("r3", "a")
    assert (third["state"], third["outcome"]) == ("open", None)
    assert await votes(desk) == [("r3", "a")]
    assert await desk.lease("r3") == []
    await desk.answer("r1", "a")
    await desk.answer("r2", "b")
    (last,) = (await desk.outcomes())["outcomes"]
    assert (last["label"], last["source"], last["verdicts"]) == ("a", "consensus", 3)
    fallen = [one for one in (await desk.task(task_id))["timeline"] if one["kind"] == "undone"]
    assert [(one["actor"], one["detail"]["reviewer"]) for one in fallen] == [
        (None, "r1"),
        (None, "r2"),
    ]
    # It was nobody's act.
    log = body_of(await desk.operator.get("/v1/projects/shop/activity?action=task.undone"))
    assert log["activity"] == []


async def test_they_do_not_count_where_somebody_skips_or_adjudicates(desk: Desk) -> None:
    task_id = await half_answered(desk)
    lease = await desk.lease_one("r3")
    skipped = body_of(await desk.use("r3", lease["token"], "skip", {"reason": "unclear"}))
    assert skipped["state"] == "open"
    path = f"/v1/projects/shop/tasks/{task_id}/adjudicate"
    decided = body_of(await desk.operator.post(path, json={"label": "b"}))
    assert decided["outcome"]["verdicts"] == 0


async def test_they_do_not_count_beside_a_verdict_given_elsewhere(desk: Desk) -> None:
    task_id = await half_answered(desk)
    path = f"/v1/projects/shop/tasks/{task_id}/verdicts"
    answer = body_of(await desk.service.post(path, json={"reviewer": "r3", "label": "a"}))
    assert (answer["state"], answer["outcome"]) == ("open", None)


async def test_they_do_not_count_beside_imported_answers(desk: Desk) -> None:
    await half_answered(desk)
    await take_in(desk, lines(entry("x", verdicts=[{"reviewer": "r3", "label": "a"}])))
    (record,) = await records_of(desk)
    assert (record["state"], record["label"]) == ("open", None)


async def test_an_import_keeps_to_the_labels_as_they_are_while_it_comes(desk: Desk) -> None:
    gone = asyncio.Event()

    def row(number: int) -> Json:
        return entry(f"item {number}", label="c")

    async def body() -> AsyncIterator[bytes]:
        yield lines(*(row(number) for number in range(250)))
        await gone.wait()
        yield lines(row(250))

    async def arrived() -> bool:
        return len(await records_of(desk)) == 250

    sending = asyncio.create_task(send(desk, body()))
    await wait_until(arrived)
    await with_labels(desk, "a", "b")
    gone.set()
    report = body_of(await sending)
    assert report["created"] == 250
    assert report["rejected"] == [{"line": 251, "detail": "/label: is not a label of this project"}]
