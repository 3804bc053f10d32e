"""Who is paused, on what evidence, and who only nods."""

import random
from urllib.parse import quote

import pytest

from services.review_queue.lifecycle.problems import ReviewerPaused
from services.review_queue.projects.service import ProjectService
from services.review_queue.quality.gold.pausing import PauseService
from services.review_queue.quality.reviewers.learning import KnownReviewers
from shared.contracts.tasks import Lease
from tests.harness.desk import Desk, body_of, entry, problem_of
from tests.integration.review_queue.gold.crowd import Answers, Crowd, reviewer
from tests.integration.review_queue.gold.people import add_gold, known, report

pytestmark = pytest.mark.any_database


async def answer_gold(crowd: Crowd, name: str, answers: Answers, count: int) -> int:
    """Answer up to `count` gold tasks; return how many until he was paused."""
    done = 0
    while done < count:
        try:
            (lease,) = await crowd.lease(name)
        except ReviewerPaused:
            return done
        await crowd.work(name, lease, answers)
        done += 1
    return done


async def test_one_who_guesses_is_paused_with_the_evidence_and_good_ones_are_not(
    crowd: Crowd,
) -> None:
    await crowd.put(onboarding_tasks=60, least_accuracy=0.75)
    await crowd.add("right", 30)
    await crowd.add("wrong", 30)
    chance = random.Random(3)
    for number in range(2):
        good = reviewer(0.93, chance)
        assert await answer_gold(crowd, f"good{number}", good, 25) == 25
        assert (await crowd.report(f"good{number}")).pause is None
    for number in range(2):
        guessing = await answer_gold(crowd, f"bad{number}", reviewer(0.5, chance), 60)
        # Of a Beta(4, 1) prior, so three wrong ones in a row are not enough.
        assert 3 < guessing < 45
        report = await crowd.report(f"bad{number}")
        assert report.pause is not None
        evidence = report.pause.evidence
        assert evidence is not None
        assert report.pause.paused_by is None
        assert (evidence.least_accuracy, evidence.certainty) == (0.75, 0.95)
        assert evidence.probability_below > 0.95
        assert evidence.answered == guessing
        assert evidence.low < evidence.accuracy < evidence.high
        assert report.gold is not None
        assert (report.gold.tasks, report.gold.right) == (evidence.answered, evidence.right)


async def test_nobody_is_paused_where_the_project_asks_for_no_accuracy(crowd: Crowd) -> None:
    await crowd.put(onboarding_tasks=12)
    await crowd.add("right", 12)
    assert await answer_gold(crowd, "r1", reviewer(0.0, random.Random(1)), 12) == 12


async def test_resumed_reviewer_is_judged_by_what_he_does_from_then_on(crowd: Crowd) -> None:
    await crowd.put(onboarding_tasks=60, least_accuracy=0.75)
    await crowd.add("right", 40)
    await crowd.add("wrong", 40)
    wrong, right = reviewer(0.0, random.Random(1)), reviewer(1.0, random.Random(1))
    first = await answer_gold(crowd, "r1", wrong, 60)
    assert first < 10
    crowd.clock.advance(10)
    await crowd.services[PauseService].resume("shop", "r1", "op")
    crowd.clock.advance(10)
    assert await answer_gold(crowd, "r1", right, 5) == 5
    assert (await crowd.report("r1")).pause is None
    # Good answers since then weigh against new wrong ones; old ones do not weigh at all.
    second = await answer_gold(crowd, "r1", wrong, 60)
    assert second > first
    pause = (await crowd.report("r1")).pause
    assert pause is not None
    assert pause.evidence is not None
    assert (pause.evidence.answered, pause.evidence.right) == (5 + second, 5)


@pytest.mark.thorough
async def test_one_who_always_takes_the_suggestion_is_found(crowd: Crowd) -> None:
    await crowd.put(onboarding_tasks=40, blind=False, least_accuracy=0.75)
    await crowd.add("right", 40)
    await crowd.add("wrong", 10)
    chance = random.Random(4)

    def nods(lease: Lease, truth: str) -> str:
        return truth if lease.task.suggestion is None else lease.task.suggestion.label

    careful = reviewer(0.95, chance)
    assert await answer_gold(crowd, "careful", careful, 40) == 40
    assert await answer_gold(crowd, "stamp", nods, 40) < 40
    stamp, looks = await crowd.report("stamp"), await crowd.report("careful")
    assert stamp.pause is not None
    assert stamp.suggestions.wrong is not None
    assert stamp.suggestions.wrong.rate == 1.0
    assert stamp.suggestions.right is not None
    assert stamp.suggestions.right.rate == 1.0
    assert looks.suggestions.wrong is not None
    # Half of forty, but for those that show no suggestion.
    assert 12 <= looks.suggestions.wrong.tasks <= 20
    assert looks.suggestions.wrong.rate < 0.2
    # The intervals tell the two apart.
    assert looks.suggestions.wrong.high < stamp.suggestions.wrong.low
    assert looks.gold is not None
    assert looks.gold.model_wrong is not None
    assert looks.gold.model_wrong.tasks == 10


@pytest.mark.thorough
async def test_gold_teaches_consensus_what_seeded_suggestions_do_not(crowd: Crowd) -> None:
    await crowd.put(onboarding_tasks=40, blind=False, overlap=2)
    await crowd.add("right", 40)
    for name in ("r1", "r2"):
        await answer_gold(crowd, name, reviewer(1.0, random.Random(1)), 40)
    assert await crowd.services[KnownReviewers].refresh() == 1
    learned = crowd.services[KnownReviewers].of(await crowd.services[ProjectService].get("shop"))
    assert learned is not None
    # Half of the suggestions were made wrong; some of the tasks show none.
    assert all(20 <= answers <= 28 for answers in learned.gold.tolist())
    crowd.clock.advance(61)
    assert await crowd.services[KnownReviewers].refresh() == 0


async def test_operator_pauses_by_hand_and_resumes(desk: Desk) -> None:
    await desk.put_project(review={"max_overlap": 2, "lease_seconds": 60})
    await desk.post(entry("a"), entry("b"))
    lease = await desk.lease_one("r1")
    pausing, resuming = desk.path("reviewers/r1/pause"), desk.path("reviewers/r1/resume")
    body = {"reason": "On leave"}
    paused = body_of(await desk.operator.post(pausing, json=body))["pause"]
    assert (paused["reason"], paused["paused_by"], paused["evidence"]) == (
        *("On leave", "operator", None),
    )
    # The first reason stands.
    again = body_of(await desk.operator.post(pausing, json={"reason": "Again"}))
    assert again["pause"] == paused
    refused = await desk.reviewer("r1").post(desk.path("leases"), json={"wait_seconds": 5})
    problem = problem_of(refused, 403, "reviewer-paused")
    assert (problem["reason"], problem["project"]) == ("On leave", desk.project)
    assert problem["paused_at"] == paused["paused_at"]
    # What he holds he may finish; others go on, and so does he elsewhere.
    assert (await desk.verdict("r1", lease["token"], "positive"))["state"] == "resolved"
    assert len(await desk.lease("r2")) == 1
    await desk.put_project(desk.named("other"))
    elsewhere = await desk.reviewer("r1").post(desk.path("leases", desk.named("other")), json={})
    assert body_of(elsewhere) == {"leases": []}
    for _ in range(2):
        assert body_of(await desk.operator.post(resuming))["pause"] is None
    await desk.post(entry("c"))
    assert len(await desk.lease("r1")) == 1


@pytest.mark.parametrize("name", ["team/anna", "..", "a b", "ünï?#", "x/pause", "/"])
async def test_names_of_every_kind_are_paused_and_resumed(desk: Desk, name: str) -> None:
    await desk.put_project()
    await desk.post(entry("a"))
    path = desk.path(f"reviewers/{quote(name, safe='').replace('.', '%2E')}")
    paused = body_of(await desk.operator.post(f"{path}/pause", json={"reason": "On leave"}))
    assert (paused["reviewer"], paused["pause"]["reason"]) == (name, "On leave")
    refused = await desk.reviewer(name).post(desk.path("leases"), json={})
    problem_of(refused, 403, "reviewer-paused")
    assert body_of(await desk.operator.post(f"{path}/resume"))["pause"] is None
    assert len(await desk.lease(name)) == 1


async def test_who_is_paused_is_listed_though_he_did_nothing(desk: Desk) -> None:
    await desk.put_project()
    name = "new%20one"
    body_of(
        await desk.operator.post(desk.path(f"reviewers/{name}/pause"), json={"reason": "Unknown"})
    )
    seen = await report(desk, "new one")
    assert (seen["verdicts"], seen["first_seen"]) == (0, None)
    assert seen["pause"]["reason"] == "Unknown"


async def test_pausing_is_the_operators_and_says_what_is_wrong(desk: Desk) -> None:
    await desk.put_project()
    for what in ("pause", "resume"):
        address = desk.path(f"reviewers/r1/{what}")
        body = {"reason": "x"} if what == "pause" else None
        for role in ("reviewer", "service", "caller"):
            one = desk.of(role)
            problem_of(await one.post(address, json=body), 403, "forbidden")
        missing = address.replace(desk.project, "nowhere")
        problem_of(await desk.operator.post(missing, json=body), 404, "not-found")
        odd = address.replace("r1", "a%00b")
        problem_of(await desk.operator.post(odd, json=body), 422, "unprocessable")
    empty = await desk.operator.post(desk.path("reviewers/r1/pause"), json={"reason": ""})
    assert problem_of(empty, 422, "unprocessable")["errors"][0]["pointer"] == "/reason"


async def test_automatic_pause_shows_at_the_next_lease(desk: Desk) -> None:
    review = {"max_overlap": 2, "onboarding_tasks": 9, "least_accuracy": 0.9}
    await desk.put_project(review=review)
    await add_gold(desk, *(known(f"g{number}") for number in range(9)))
    leases = await desk.lease("r1", 4)
    for lease in leases[:2]:
        await desk.verdict("r1", lease["token"], "negative")
    refused = await desk.reviewer("r1").post(desk.path("leases"), json={})
    problem = problem_of(refused, 403, "reviewer-paused")
    # He is not told which answers it were.
    assert set(problem) == {
        *("type", "title", "status", "detail", "project", "reason", "paused_at"),
    }
    evidence = (await report(desk, "r1"))["pause"]["evidence"]
    assert (evidence["answered"], evidence["right"]) == (2, 0)
    await desk.verdict("r1", leases[2]["token"], "positive")
    assert (await report(desk, "r1"))["pause"]["evidence"] == evidence
