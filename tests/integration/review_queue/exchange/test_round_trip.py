"""What goes out of a project and into an empty one is all there again."""

import pytest

from tests.harness.desk import Desk, Json, body_of, entry
from tests.integration.review_queue.exchange.files import (
    MEDIA_TYPES,
    export,
    records_of,
    take_in,
)

PREDICTION = {
    "label": "negative",
    "confidence": 0.75,
    "probabilities": {"negative": 0.75, "positive": 0.25},
    "model_version": "v3",
    "propensity": 1.0,
    "reason": "below_threshold",
    "policy_revision": 4,
    "received_at": "2026-11-24T05:59:59.125Z",
    "decided_at": "2026-11-24T05:59:59.250Z",
}


async def work(desk: Desk) -> None:
    """Let people work on a project: answers, comments, skips, a reopened and a held task."""
    await desk.put_project()
    await desk.post(
        entry("answered", metadata={"channel": "web"}, prediction=PREDICTION),
        entry("audited", lane="audit", metadata={"channel": ""}),
        entry("reopened", lane="optional", due_at="2026-12-01T00:00:00.123456Z"),
        entry("nobody can", lane="gold"),
        entry("elsewhere", lane="relabel"),
        entry("held", lane="pool", data={"text": '=1+1, "quoted"\r\n\'ünï'}),
        entry("open", lane="certification"),
        entry("disputed", lane="relabel"),
    )
    answers: dict[str, Json] = {
        "answered": {"label": "negative", "active_seconds": 3.25, "comment": "-clearly\n"},
        "audited": {"label": "positive"},
        "reopened": {"label": "positive", "active_seconds": 1.0},
    }
    for lease in await desk.lease("r1", count=100):
        desk.clock.advance(0.001001)
        item_id, token = lease["task"]["item_id"], lease["token"]
        if item_id in answers:
            await desk.use("r1", token, "verdict", answers[item_id])
        elif item_id in {"nobody can", "open"}:
            await desk.use("r1", token, "skip", {"reason": "unclear"})
        elif item_id == "disputed":
            await desk.use("r1", token, "skip", {"reason": "policy", "to": "adjudicator"})
        elif item_id != "held":
            await desk.use("r1", token, "release")
    tasks = body_of(await desk.operator.get(desk.path("tasks")))["tasks"]
    ids = {task["item_id"]: task["task_id"] for task in tasks}
    base = desk.path("tasks")
    body_of(await desk.operator.post(f"{base}/{ids['reopened']}/reopen"))
    behalf = {"reviewer": "anna@shop", "label": "positive", "active_seconds": 86_400.0}
    body_of(await desk.operator.post(f"{base}/{ids['elsewhere']}/verdicts", json=behalf))
    desk.clock.advance(1)
    await desk.put_project(instructions="Read it twice.")
    for lease in await desk.lease("r2", count=100):
        if lease["task"]["item_id"] == "nobody can":
            await desk.use("r2", lease["token"], "skip", {})
        else:
            await desk.use("r2", lease["token"], "release")


async def test_what_people_did_comes_back_in_every_format(desk: Desk) -> None:
    await work(desk)
    before = await records_of(desk)
    assert [record["state"] for record in before].count("leased") == 1
    expected = {
        "rows": 8,
        "created": 8,
        "existing": 0,
        "answers": 7,
        "rejected_count": 0,
        "rejected": [],
        "complete": True,
    }
    # A lease is a moment's claim, and does not travel.
    brought = [{**one, "state": one["state"].replace("leased", "open")} for one in before]
    for number, form in enumerate(MEDIA_TYPES):
        other = desk.named(f"other-{number}")
        await desk.put_project(other)
        assert await take_in(desk, await export(desk, form), form, other) == expected, form
        assert await records_of(desk, other) == brought, form
        again = await take_in(desk, await export(desk, form), form, other)
        assert (again["created"], again["existing"], again["answers"]) == (0, 8, 0)
        assert await records_of(desk, other) == brought


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(form, marks=() if form in {"csv", "jsonl"} else pytest.mark.thorough)
        for form in MEDIA_TYPES
    ],
)
async def test_disputes_and_what_people_had_read_come_back(desk: Desk, form: str) -> None:
    await work(desk)
    before = {record["item_id"]: record for record in await records_of(desk)}
    assert [one for one, record in before.items() if record["adjudication"]] == ["disputed"]
    read = [one["instructions_revision"] for one in before["nobody can"]["verdicts"]]
    assert read == [1, 2]
    assert before["elsewhere"]["verdicts"][0]["instructions_revision"] == 1
    await desk.put_project(desk.named("other"))
    await take_in(desk, await export(desk, form), form, desk.named("other"))
    queue = body_of(await desk.operator.get(desk.path("queue", desk.named("other"))))
    assert queue["adjudication"] == 1
    feed = body_of(await desk.service.get(desk.path("outcomes", desk.named("other"))))["outcomes"]
    assert {one["item_id"]: one["instructions_revision"] for one in feed} == {
        **dict.fromkeys(("answered", "audited", "elsewhere"), 1),
        "nobody can": 2,
    }
