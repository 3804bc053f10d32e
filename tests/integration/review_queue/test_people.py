"""What is told of people, over HTTP, on each database."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import update

from services.review_queue.quality.agreement import repository
from services.review_queue.tables import TaskRow, VerdictRow, table_of
from shared.contracts.base import rfc3339, task_id_for
from shared.db import Database
from tests.harness.cases import further
from tests.harness.desk import Desk, Json, body_of, entry, problem_of

Opinion = Callable[[str, str, str], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


@pytest.fixture
async def opinion(desk: Desk) -> Opinion:
    """Adds one more standing verdict to a task, as overlap does."""

    async def add(item_id: str, reviewer: str, label: str) -> None:
        database = Database(desk.database_url)
        async with database.transaction() as session:
            row = VerdictRow(
                task_id=task_id_for(desk.project, item_id),
                reviewer=reviewer,
                recorded_by=reviewer,
                skipped=False,
                label=label,
                blind=True,
                given_at=desk.clock(),
            )
            session.add(row)
        await database.dispose()

    return add


async def answered(desk: Desk, item_id: str, reviewer: str, label: str, **parts: Any) -> Json:
    """Post a task and let the reviewer answer it; return its outcome."""
    await desk.post(entry(item_id, **parts))
    await desk.answer(reviewer, label)
    return await desk.newest(item_id)


async def agreement(desk: Desk) -> Json:
    return body_of(await desk.operator.get(desk.path("agreement")))


async def reviewers(desk: Desk) -> dict[str, Json]:
    listed = body_of(await desk.operator.get(desk.path("reviewers")))
    assert listed["cursor"] is None
    return {one["reviewer"]: one for one in listed["reviewers"]}


async def suspects(desk: Desk, **query: Any) -> Json:
    return body_of(await desk.operator.get(desk.path("suspects"), params=query))


async def test_two_reviewers_are_compared_on_the_tasks_that_both_answered(
    desk: Desk, opinion: Opinion
) -> None:
    given = [("negative", "negative"), ("negative", "negative"), ("positive", "positive")]
    for number, (first, second) in enumerate([*given, ("positive", "negative")]):
        await answered(desk, f"i{number}", "r1", first)
        await opinion(f"i{number}", "r2", second)
    await answered(desk, "alone", "r1", "negative")
    found = await agreement(desk)
    assert (found["tasks"], found["verdicts"]) == (4, 8)
    assert found["most_given"] == 5 / 8
    # Coincidences: 4 and 2 that agree, 1 and 1 that do not; margins 5 and 3 of 8.
    assert found["alpha"]["value"] == pytest.approx(1 - 7 * 2 / (2 * 5 * 3))
    assert found["alpha"]["low"] < found["alpha"]["value"] < found["alpha"]["high"]
    assert found["ac1"]["value"] == pytest.approx((0.75 - 15 / 32) / (1 - 15 / 32))
    (pair,) = found["pairs"]
    assert pair == {
        "first": "r1",
        "second": "r2",
        "tasks": 4,
        "agreement": 0.75,
        "kappa": pytest.approx(0.5),
        "low": pytest.approx(0.5 - 1.959964 * 0.375),
        "high": 1.0,
    }
    # Two raters on each: Fleiss' kappa is Scott's pi.
    assert found["fleiss"]["value"] == pytest.approx((0.75 - 34 / 64) / (1 - 34 / 64))
    assert found["fleiss"]["low"] < found["fleiss"]["value"] < found["fleiss"]["high"]
    await opinion("i0", "r3", "negative")
    assert (await agreement(desk))["fleiss"] == {"value": None, "low": None, "high": None}
    found = await agreement(desk)
    assert found == await agreement(desk)


@pytest.mark.any_database
async def test_answers_that_were_taken_back_and_skips_are_not_compared(
    desk: Desk, opinion: Opinion
) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.use("r1", lease["token"], "skip", {})
    await desk.answer("r2", "negative")
    await desk.post(entry("b"))
    await opinion("b", "r2", "positive")
    lease = await desk.lease_one("r1")
    await desk.verdict("r1", lease["token"], "positive")
    assert (await agreement(desk))["tasks"] == 1
    await desk.use("r1", lease["token"], "undo")
    found = await agreement(desk)
    assert (found["tasks"], found["verdicts"], found["pairs"]) == (0, 0, [])


@pytest.mark.any_database
async def test_one_reviewer_twice_on_a_task_is_no_agreement_and_his_last_word_counts(
    desk: Desk, opinion: Opinion
) -> None:
    await answered(desk, "a", "r1", "negative")
    await opinion("a", "r1", "positive")
    assert (await agreement(desk))["tasks"] == 0
    await opinion("a", "r2", "positive")
    found = await agreement(desk)
    assert (found["tasks"], found["verdicts"]) == (1, 2)
    assert found["pairs"][0]["agreement"] == 1


async def test_only_the_newest_tasks_and_verdicts_are_compared(
    desk: Desk, opinion: Opinion
) -> None:
    for name in "abc":
        await answered(desk, name, "r1", "negative")
        await opinion(name, "r2", "positive")
    database = Database(desk.database_url)

    async def compared(tasks: int, verdicts: int) -> list[tuple[str, str]]:
        async with database.reading() as session:
            rows = repository.shared_verdicts(session, desk.project, tasks=tasks, verdicts=verdicts)
            return [(row.task_id, row.reviewer) async for row in rows]

    of = {name: task_id_for(desk.project, name) for name in "abc"}
    everything = [(of[name], reviewer) for name in "abc" for reviewer in ("r1", "r2")]
    assert await compared(3, 6) == everything
    assert await compared(2, 6) == everything[2:]
    # Of b only one verdict is among the newest three.
    assert await compared(3, 3) == everything[4:]
    async with database.reading() as session:
        counted = await repository.outcome_agreement(
            session, desk.project, ["r1", "r2"], verdicts=3
        )
    assert counted == {"r1": (1, 1), "r2": (1, 0)}
    await database.dispose()


@pytest.mark.any_database
async def test_without_verdicts_nothing_is_known_of_agreement(desk: Desk) -> None:
    nothing = {"value": None, "low": None, "high": None}
    found = await agreement(desk)
    assert found.pop("note").startswith("No task has answers of two reviewers; there are 0 answers")
    assert found == {
        "tasks": 0,
        "verdicts": 0,
        "most_given": None,
        "alpha": nothing,
        "ac1": nothing,
        "fleiss": nothing,
        "pairs": [],
        "model_versions": [],
        "version_reviewers": [],
    }


@pytest.mark.own_desk
async def test_versions_are_compared_with_people_who_saw_a_suggestion_and_who_did_not(
    desk: Desk,
) -> None:
    await desk.put_project(review={"blind": False, "lease_seconds": 60})
    cases = [
        ("v1", "negative", "negative"),
        ("v1", "negative", "positive"),
        ("v1", "positive", "positive"),
        ("v2", "positive", "negative"),
    ]
    for number, (version, predicted, label) in enumerate(cases):
        prediction = {"label": predicted, "confidence": 0.8, "model_version": version}
        await answered(desk, f"i{number}", "r1", label, prediction=prediction)
    blind = {"label": "positive", "model_version": "v1"}
    await answered(desk, "audit", "r1", "positive", lane="audit", prediction=blind)
    await answered(desk, "unscored", "r1", "positive", prediction={"model_version": "v1"})
    await answered(desk, "unseen", "r1", "positive")
    undefined = {"kappa": None, "low": None, "high": None}
    rows = (await agreement(desk))["model_versions"]
    assert rows == [
        {
            "model_version": "v1",
            "blind": False,
            "tasks": 3,
            "agreement": pytest.approx(2 / 3),
            "kappa": pytest.approx((2 / 3 - 4 / 9) / (1 - 4 / 9)),
            "low": pytest.approx(0.4 - 1.959964 * 0.1536**0.5),
            "high": 1.0,
        },
        {"model_version": "v1", "blind": True, "tasks": 1, "agreement": 1.0, **undefined},
        {"model_version": "v2", "blind": False, "tasks": 1, "agreement": 0.0, **undefined}
        | {"kappa": 0.0},
    ]


@pytest.mark.own_desk
async def test_versions_are_raters_beside_each_reviewer(desk: Desk, opinion: Opinion) -> None:
    await desk.put_project(review={"blind": False, "lease_seconds": 60})
    cases = [("negative", "negative"), ("positive", "positive"), ("positive", "negative")]
    for number, (predicted, label) in enumerate(cases):
        prediction = {"label": predicted, "confidence": 0.8, "model_version": "v1"}
        await answered(desk, f"i{number}", "r1", label, prediction=prediction)
        # He did not see what was suggested.
        await opinion(f"i{number}", "r2", predicted)
    await answered(desk, "unseen", "r1", "positive")
    first, second = (await agreement(desk))["version_reviewers"]
    assert first == {
        "model_version": "v1",
        "reviewer": "r1",
        "blind": False,
        "tasks": 3,
        "agreement": pytest.approx(2 / 3),
        "kappa": pytest.approx((2 / 3 - 4 / 9) / (1 - 4 / 9)),
        "low": pytest.approx(0.4 - 1.959964 * 0.1536**0.5),
        "high": 1.0,
    }
    assert (second["reviewer"], second["blind"], second["tasks"]) == ("r2", True, 3)
    assert (second["agreement"], second["kappa"], second["low"]) == (1.0, 1.0, None)


async def test_version_is_held_against_the_label_that_stands(desk: Desk) -> None:
    prediction = {"label": "positive", "model_version": "v1"}
    outcome = await answered(desk, "a", "r1", "negative", prediction=prediction)
    await desk.operator.post(desk.path(f"tasks/{outcome['task_id']}/reopen"))
    assert (await agreement(desk))["model_versions"] == []
    await desk.answer("r1", "positive")
    (row,) = (await agreement(desk))["model_versions"]
    assert (row["tasks"], row["agreement"]) == (1, 1.0)


async def test_statistics_say_what_each_reviewer_has_done(desk: Desk, opinion: Opinion) -> None:
    began = desk.clock()
    for number, seconds in enumerate([2.0, 4.0, 90.0, None]):
        await desk.post(entry(f"i{number}"))
        lease = await desk.lease_one("r1")
        body = {"label": "negative", "active_seconds": seconds}
        body_of(await desk.use("r1", lease["token"], "verdict", body))
        desk.clock.advance(100)
    await desk.post(entry("skipped"))
    lease = await desk.lease_one("r1")
    await desk.use("r1", lease["token"], "skip", {})
    ended = desk.clock()
    await opinion("i0", "r2", "negative")
    await opinion("i1", "r2", "positive")
    listed = await reviewers(desk)
    assert listed["r1"] == {
        "reviewer": "r1",
        "verdicts": 4,
        "skips": 1,
        "skip_rate": 0.2,
        "active_seconds_median": 4.0,
        "verdicts_per_hour": pytest.approx(3 * 3600 / 96),
        "outcomes": {"tasks": 2, "agreement": 1.0},
        "gold": None,
        "first_seen": rfc3339(began),
        "last_seen": rfc3339(ended),
        "labels": {"negative": 4},
        "suggestions": {"right": None, "wrong": None},
        "changed_answers": {
            "answers": 4,
            "taken_back": 0,
            "changed": 0,
            "to_model": 0,
            "evidence": 0,
        },
        "warnings": [],
        "onboarding_left": 0,
        "gold_left": 0,
        "tags": [],
        "pause": None,
    }
    assert listed["r2"]["outcomes"] == {"tasks": 2, "agreement": 0.5}
    assert listed["r2"]["active_seconds_median"] is None
    assert listed["r2"]["verdicts_per_hour"] is None


async def test_median_of_an_even_number_is_between_the_two_in_the_middle(desk: Desk) -> None:
    for number, seconds in enumerate([1.0, 2.0, 5.0, 100.0]):
        await desk.post(entry(f"i{number}"))
        lease = await desk.lease_one("r1")
        body = {"label": "negative", "active_seconds": seconds}
        body_of(await desk.use("r1", lease["token"], "verdict", body))
    assert (await reviewers(desk))["r1"]["active_seconds_median"] == 3.5


async def test_answers_that_were_taken_back_do_not_count(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.verdict("r1", lease["token"], "negative")
    await desk.use("r1", lease["token"], "undo")
    one = (await reviewers(desk))["r1"]
    assert (one["verdicts"], one["skips"], one["skip_rate"]) == (0, 0, None)
    assert one["first_seen"] == rfc3339(desk.clock())


@pytest.mark.any_database
async def test_gold_is_what_an_operator_gave_a_label(desk: Desk, opinion: Opinion) -> None:
    gold = [await answered(desk, f"g{number}", "r1", "negative", lane="gold") for number in (1, 2)]
    assert (await reviewers(desk))["r1"]["gold"] is None
    database = Database(desk.database_url)
    tasks = table_of(TaskRow)
    async with database.transaction() as session:
        for outcome, label in zip(gold, ["negative", "positive"], strict=True):
            adjudicated = update(tasks).where(tasks.c.task_id == outcome["task_id"])
            await session.execute(adjudicated.values(label=label, source="adjudicator"))
    await database.dispose()
    found = (await reviewers(desk))["r1"]["gold"]
    assert (found["tasks"], found["right"], found["accuracy"]) == (2, 1, 0.5)
    assert 0 < found["low"] < 0.5 < found["high"] < 1


@pytest.mark.any_database
async def test_reviewer_sees_his_own_statistics_and_no_others(desk: Desk) -> None:
    await answered(desk, "a", "r1", "negative")
    own = body_of(await desk.reviewer("r1").get(desk.path("reviewers/me")))
    seen = (await reviewers(desk))["r1"]
    assert own == {name: seen[name] for name in own}
    assert set(seen) - set(own) == {
        *("labels", "suggestions", "changed_answers", "warnings"),
        *("onboarding_left", "gold_left", "tags", "pause"),
    }
    newcomer = body_of(await desk.reviewer("new").get(desk.path("reviewers/me")))
    assert (newcomer["reviewer"], newcomer["verdicts"]) == ("new", 0)
    assert newcomer["first_seen"] is None
    for what in ("agreement", "reviewers", "suspects"):
        problem_of(await desk.reviewer("r1").get(desk.path(f"{what}")), 403, "forbidden")
    problem_of(await desk.of("caller").get(desk.path("reviewers/me")), 403, "forbidden")


@pytest.mark.any_database
async def test_projects_are_told_apart(desk: Desk) -> None:
    await answered(desk, "a", "r1", "negative")
    await desk.put_project(desk.named("other"))
    other = desk.path(project=desk.named("other"))
    assert body_of(await desk.operator.get(f"{other}/reviewers"))["reviewers"] == []
    own = body_of(await desk.reviewer("r1").get(f"{other}/reviewers/me"))
    assert own["verdicts"] == 0
    for what in ("agreement", "reviewers", "reviewers/me", "suspects"):
        missing = await desk.operator.get(f"/v1/projects/nowhere/{what}")
        problem_of(missing, 404, "not-found")


async def test_reviewers_come_in_pages(desk: Desk) -> None:
    names = ["anna", "bert", "cleo"]
    for name in names:
        await answered(desk, f"of-{name}", name, "negative")
    seen: list[str] = []
    after: Json = {}
    while True:
        page = body_of(
            await desk.operator.get(desk.path("reviewers"), params={"limit": 2, **after})
        )
        seen += [one["reviewer"] for one in page["reviewers"]]
        if page["cursor"] is None:
            break
        after = {"after": page["cursor"]}
    assert seen == names


@pytest.mark.parametrize("cursor", ["***", "AA"])
@pytest.mark.parametrize("what", ["reviewers", "suspects"])
@pytest.mark.any_database
async def test_foreign_cursors_are_refused(desk: Desk, what: str, cursor: str) -> None:
    # "AA" is NUL, which PostgreSQL holds in no text.
    answer = await desk.operator.get(desk.path(f"{what}"), params={"after": cursor})
    problem = problem_of(answer, 422, "unprocessable")
    assert problem["errors"][0]["pointer"] == "/query/after"


def scored(negative: float) -> Json:
    """The prediction of a model that gives label negative this probability."""
    probabilities = {"negative": negative, "positive": round(1 - negative, 6)}
    label = max(probabilities, key=lambda name: probabilities[name])
    return {
        "label": label,
        "confidence": probabilities[label],
        "probabilities": probabilities,
        "model_version": "v1",
    }


async def some_resolved(desk: Desk, *, lane: str = "mandatory", prefix: str = "") -> None:
    """Ten tasks on which people and model agree, and three on which they do not."""
    for number in range(5):
        for sign, label, negative in (("n", "negative", 0.8), ("p", "positive", 0.2)):
            item_id = f"{sign}{prefix}{number}"
            await desk.post(entry(item_id, lane=lane, prediction=scored(negative)))
            await desk.answer("r1", label)
    for name, negative in (("x", 0.95), ("y", 0.99), ("z", 0.9)):
        await desk.post(entry(f"{prefix}{name}", lane=lane, prediction=scored(negative)))
        await desk.answer("r1", "positive")


async def test_suspects_are_what_the_model_doubts_most_and_come_in_stable_pages(
    desk: Desk,
) -> None:
    await some_resolved(desk)
    listed = await suspects(desk)
    assert [one["item_id"] for one in listed["suspects"]] == ["y", "x", "z"]
    assert (listed["considered"], listed["cursor"]) == (13, None)
    first = listed["suspects"][0]
    assert first == {
        "task_id": task_id_for(desk.project, "y"),
        "item_id": "y",
        "lane": "mandatory",
        "label": "positive",
        "suspected_label": "negative",
        "margin": pytest.approx(0.98),
        "model_version": "v1",
        "verdicts": 1,
        "resolved_at": rfc3339(desk.clock()),
    }
    page = await suspects(desk, limit=1)
    # A worse one that comes meanwhile is for the next who begins at the top.
    await answered(desk, "w", "r1", "positive", prediction=scored(0.97))
    second = await suspects(desk, limit=1, after=page["cursor"])
    assert [one["item_id"] for one in second["suspects"]] == ["x"]
    assert second["considered"] == 13
    last = await suspects(desk, limit=1, after=second["cursor"])
    assert [one["item_id"] for one in last["suspects"]] == ["z"]
    assert last["cursor"] is None
    assert [one["item_id"] for one in (await suspects(desk))["suspects"]][:2] == ["y", "w"]


@pytest.mark.any_database
async def test_suspects_change_nothing_and_go_once_they_are_answered_again(desk: Desk) -> None:
    await some_resolved(desk)
    before = await desk.task(task_id_for(desk.project, "y"))
    await suspects(desk)
    assert await desk.task(task_id_for(desk.project, "y")) == before
    await desk.operator.post(desk.path(f"tasks/{task_id_for(desk.project, 'y')}/reopen"))
    assert [one["item_id"] for one in (await suspects(desk))["suspects"]] == ["x", "z"]
    await desk.answer("r2", "negative")
    listed = await suspects(desk)
    assert [one["item_id"] for one in listed["suspects"]] == ["x", "z"]
    assert listed["considered"] == 13


@pytest.mark.parametrize("lane", ["audit", *further("certification", "gold")])
@pytest.mark.any_database
async def test_evidence_is_never_suspect(desk: Desk, lane: str) -> None:
    await some_resolved(desk, lane=lane)
    listed = await suspects(desk)
    assert (listed["suspects"], listed["reviewers"], listed["considered"]) == ([], [], 0)
    assert listed["note"].startswith("No resolved task has a model's probabilities; 0 have a label")


@pytest.mark.any_database
async def test_what_has_no_probabilities_or_no_label_of_today_is_not_considered(
    desk: Desk,
) -> None:
    await some_resolved(desk)
    await answered(desk, "unseen", "r1", "positive")
    unscored = {"label": "negative", "model_version": "v1"}
    await answered(desk, "unscored", "r1", "positive", prediction=unscored)
    assert (await suspects(desk))["considered"] == 13
    await desk.put_project(labels=["negative", "neutral"], allow_label_removal=True)
    listed = await suspects(desk)
    assert (listed["suspects"], listed["considered"]) == ([], 5)
