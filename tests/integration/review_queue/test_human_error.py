"""The counts of reviewers' errors that certificates allow for."""

from typing import Any

from tests.harness.desk import Desk, Json, body_of, entry, problem_of
from tests.integration.review_queue.gold.people import add_gold, known


async def counts(desk: Desk) -> Json:
    return body_of(await desk.service.get(desk.path("human-error")))


async def answer_all(desk: Desk, name: str, **labels: str) -> None:
    """Let a reviewer answer each task that comes: "positive", unless `labels` says otherwise."""
    while leases := await desk.lease(name):
        item_id = leases[0]["task"]["item_id"]
        await desk.verdict(name, leases[0]["token"], labels.get(item_id, "positive"))


async def test_nothing_is_counted_where_nothing_was_asked(desk: Desk) -> None:
    await desk.put_project()
    none = {"probes": 0, "misses": 0, "compared": 0, "disagreed": 0}
    assert await counts(desk) == none
    await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    assert await counts(desk) == none
    # Operators read it too, reviewers do not.
    assert body_of(await desk.operator.get(desk.path("human-error"))) == none
    problem_of(await desk.reviewer("r1").get(desk.path("human-error")), 403, "forbidden")


async def test_misses_are_counted_once_an_item_that_the_model_got_wrong(desk: Desk) -> None:
    # Onboarding gives gold and nothing else, where there is some.
    await desk.put_project(review={"onboarding_tasks": 20, "gold_rate": 0, "max_overlap": 2})
    await add_gold(
        desk,
        *(known(f"wrong-{number}", "wrong") for number in range(3)),
        known("right", "right"),
        known("none"),
    )
    await desk.post(entry("beside"))
    await answer_all(desk, "r1", **{"wrong-0": "negative", "right": "negative", "none": "negative"})
    assert (await counts(desk)) == {"probes": 3, "misses": 1, "compared": 0, "disagreed": 0}
    # The newest answer to each item counts.
    desk.clock.advance(1)
    await answer_all(desk, "r2", **{"wrong-1": "negative", "wrong-2": "negative"})
    found = await counts(desk)
    assert (found["probes"], found["misses"]) == (3, 2)


async def test_disagreements_are_counted_among_the_first_two_answers(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 2, "max_overlap": 3})
    answers: dict[str, list[Any]] = {
        "a": ["positive", "positive"],
        "b": ["positive", "negative", "positive"],
        "c": ["positive"],
    }
    for item_id, labels in answers.items():
        await desk.post(entry(item_id))
        for number, label in enumerate(labels, start=1):
            await desk.answer(f"r{number}", label)
    found = await counts(desk)
    assert (found["compared"], found["disagreed"]) == (2, 1)
