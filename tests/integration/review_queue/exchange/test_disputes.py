"""Imported answers that do not agree: of several people, and of one."""

import pytest

from tests.harness.desk import Desk, Json, body_of, entry
from tests.integration.review_queue.exchange.files import export, lines, take_in

pytestmark = pytest.mark.any_database

TWO = {"overlap": 2, "max_overlap": 2, "lease_seconds": 60}
THREE = {"overlap": 2, "max_overlap": 3, "lease_seconds": 60}


def said(reviewer: str, label: str) -> Json:
    return {"reviewer": reviewer, "label": label}


async def disputes(desk: Desk, project: str | None = None) -> int:
    queue = body_of(await desk.operator.get(desk.path("queue", project)))
    return int(queue["adjudication"])


async def test_a_dispute_that_nobody_more_may_settle_waits_for_an_adjudicator(desk: Desk) -> None:
    await desk.put_project(review=TWO)
    votes = [said("anna", "positive"), said("ben", "negative")]
    await take_in(desk, lines(entry("a", verdicts=votes)))
    assert await disputes(desk) == 1
    assert await desk.lease("carl") == []


async def test_a_label_that_is_imported_ends_a_dispute(desk: Desk) -> None:
    await desk.put_project(review=TWO)
    await desk.post(entry("a"))
    for name, label in (("anna", "positive"), ("ben", "negative")):
        await desk.answer(name, label)
    assert await disputes(desk) == 1
    await take_in(desk, lines(entry("a", label="positive", verdicts=[said("carl", "positive")])))
    assert await disputes(desk) == 0


async def test_a_dispute_goes_out_and_comes_in_as_one(desk: Desk) -> None:
    await desk.put_project(review=TWO)
    await desk.post(entry("a"))
    for name, label in (("anna", "positive"), ("ben", "negative")):
        await desk.answer(name, label)
    everything = await export(desk)
    other = desk.named("other")
    await desk.put_project(other, review=TWO)
    await take_in(desk, everything, project=other)
    assert await disputes(desk, other) == 1


async def test_a_dispute_of_two_exports_together_is_one(desk: Desk) -> None:
    one, two = desk.named("one"), desk.named("two")
    for project, name, label in ((one, "anna", "positive"), (two, "ben", "negative")):
        await desk.put_project(project, review=TWO)
        await take_in(desk, lines(entry("a", verdicts=[said(name, label)])), project=project)
    await desk.put_project(review=TWO)
    for project in (one, two):
        assert await disputes(desk, project) == 0
        await take_in(desk, await export(desk, project=project))
    assert await disputes(desk) == 1


async def test_what_waits_for_an_adjudicator_goes_on_to_when_answers_come(desk: Desk) -> None:
    await desk.put_project(review=THREE)
    await desk.post(entry("a"))
    lease = await desk.lease_one("anna")
    body_of(await desk.use("anna", lease["token"], "skip", {"to": "adjudicator"}))
    await take_in(desk, lines(entry("a", verdicts=[said("ben", "positive")])))
    assert await disputes(desk) == 1
    assert await desk.lease("carl") == []


async def test_of_two_labels_of_one_person_the_last_counts(desk: Desk) -> None:
    await desk.put_project(review=THREE)
    votes = [said("anna", "positive"), said("anna", "negative")]
    await take_in(desk, lines(entry("a", verdicts=votes)))
    lease = await desk.lease_one("ben")
    progress = await desk.verdict("ben", lease["token"], "negative")
    assert (progress["state"], progress["outcome"]["label"]) == ("resolved", "negative")
    assert (await desk.newest("a"))["verdicts"] == 2
