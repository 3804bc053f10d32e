"""Overlap: several people on one task, one more only while it is worth it, and the last word."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.contracts.base import rfc3339
from tests.harness.desk import Desk, Json, body_of, entry, problem_of

pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await ask_for(desk, overlap=2, max_overlap=5)


async def ask_for(desk: Desk, **review: Any) -> None:
    await desk.put_project(review={"lease_seconds": 60, **review})


async def all_answer(desk: Desk, *labels: str) -> Json:
    """Let r1, r2 and so on answer the one open task, in turn; return what the last one got."""
    for number, label in enumerate(labels, start=1):
        answer = await desk.answer(f"r{number}", label)
    return answer


async def nobody_gets_it(desk: Desk) -> bool:
    return await desk.lease("somebody-else") == []


async def adjudicate(desk: Desk, task_id: str, label: str, name: str = "operator") -> Any:
    path = desk.path(f"tasks/{task_id}/adjudicate")
    return await desk.of("operator", name).post(path, json={"label": label, "comment": "Clear."})


async def disputed(desk: Desk) -> list[str]:
    path = desk.path("tasks?adjudication=true")
    return [one["item_id"] for one in body_of(await desk.operator.get(path))["tasks"]]


async def test_two_who_agree_are_enough(desk: Desk) -> None:
    await desk.post(entry("a"))
    first = await desk.answer("r1", "positive")
    assert (first["state"], first["outcome"]) == ("open", None)
    assert await desk.lease("r1") == []
    second = await desk.answer("r2", "positive")
    assert second["state"] == "resolved"
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["source"], outcome["verdicts"]) == (
        "positive",
        "consensus",
        2,
    )
    assert outcome["blind"] is True
    assert await nobody_gets_it(desk)


async def test_one_more_is_asked_while_no_label_leads_by_two(desk: Desk) -> None:
    await desk.post(entry("a"))
    third = await all_answer(desk, "positive", "negative", "positive")
    assert third["state"] == "open"
    fourth = await desk.answer("r4", "positive")
    assert fourth["outcome"]["label"] == "positive"
    outcome = await desk.newest("a")
    assert (outcome["verdicts"], outcome["revision"]) == (4, 1)


async def test_the_majority_decides_once_all_were_asked(desk: Desk) -> None:
    await desk.post(entry("a"))
    last = await all_answer(desk, "positive", "negative", "positive", "negative", "negative")
    assert last["outcome"] == {"label": "negative", "revision": 1}
    assert (await desk.newest("a"))["verdicts"] == 5


async def test_a_tie_goes_to_an_adjudicator(desk: Desk) -> None:
    await ask_for(desk, overlap=2, max_overlap=2)
    (receipt,) = await desk.post(entry("a"))
    last = await all_answer(desk, "positive", "negative")
    assert (last["state"], last["outcome"]) == ("open", None)
    assert await nobody_gets_it(desk)
    assert await disputed(desk) == ["a"]
    depth = body_of(await desk.operator.get(desk.path("queue")))
    assert (depth["open"], depth["adjudication"]) == (0, 1)
    decided = body_of(await adjudicate(desk, receipt["task_id"], "negative"))
    assert decided["outcome"]["source"] == "adjudicator"
    assert (decided["outcome"]["label"], decided["outcome"]["verdicts"]) == ("negative", 2)
    assert await disputed(desk) == []
    # The same word again changes nothing; another is refused.
    assert body_of(await adjudicate(desk, receipt["task_id"], "negative")) == decided
    problem_of(await adjudicate(desk, receipt["task_id"], "positive"), 409, "conflict")
    kinds = await desk.kinds(receipt["task_id"])
    assert kinds[-3:] == ["disputed", "adjudicated", "resolved"]


async def test_an_adjudicator_ends_the_lease_of_who_holds_the_task(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    body_of(await adjudicate(desk, receipt["task_id"], "negative"))
    late = await desk.use("r1", lease["token"], "verdict", {"label": "positive"})
    problem = problem_of(late, 409, "lease-expired")
    assert problem["outcome"] == {"label": "negative", "revision": 1}


async def test_only_operators_adjudicate_and_only_with_the_projects_labels(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    path = desk.path(f"tasks/{receipt['task_id']}/adjudicate")
    refused = await desk.reviewer("r1").post(path, json={"label": "negative"})
    problem_of(refused, 403, "forbidden")
    problem_of(await adjudicate(desk, receipt["task_id"], "neither"), 422, "unprocessable")


async def take_back(desk: Desk, name: str, label: str) -> None:
    """Let a reviewer give a label and take it back, before the task is resolved."""
    lease = await desk.lease_one(name)
    assert (await desk.verdict(name, lease["token"], label))["state"] == "open"
    body_of(await desk.use(name, lease["token"], "undo"))


async def changed(desk: Desk, name: str) -> Json:
    listed = body_of(await desk.operator.get(desk.path("reviewers")))["reviewers"]
    (report,) = [one for one in listed if one["reviewer"] == name]
    changed_answers: Json = report["changed_answers"]
    return changed_answers


async def test_undo_takes_one_vote_back_and_leaves_the_others(desk: Desk) -> None:
    await desk.post(entry("a", lane="certification"))
    await desk.answer("r1", "positive")
    await take_back(desk, "r2", "negative")
    await desk.answer("r2", "positive")
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["verdicts"]) == ("positive", 2)
    # That the task stayed open had told him what the other said.
    assert outcome["blind"] is False
    assert await changed(desk, "r2") == {
        "answers": 2,
        "taken_back": 1,
        "changed": 1,
        "to_model": 0,
        "evidence": 1,
    }


@pytest.mark.parametrize("by", ["another reviewer", "an adjudicator"])
async def test_a_label_that_was_taken_back_leaves_no_blind_evidence_whoever_decides(
    desk: Desk, by: str
) -> None:
    (receipt,) = await desk.post(entry("a", lane="audit"))
    await desk.answer("r1", "positive")
    await take_back(desk, "r2", "negative")
    # He does not come back.
    desk.clock.advance(61)
    if by == "another reviewer":
        await desk.answer("r3", "positive")
    else:
        body_of(await adjudicate(desk, receipt["task_id"], "positive"))
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["blind"]) == ("positive", False)


async def test_a_skip_that_was_taken_back_leaves_the_evidence_blind(desk: Desk) -> None:
    await desk.post(entry("a", lane="audit"))
    await desk.answer("r1", "positive")
    lease = await desk.lease_one("r2")
    body_of(await desk.use("r2", lease["token"], "skip", {"reason": "unclear"}))
    body_of(await desk.use("r2", lease["token"], "undo"))
    await desk.answer("r2", "positive")
    assert (await desk.newest("a"))["blind"] is True


async def test_a_vote_is_not_taken_back_once_the_task_is_settled_by_another(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.verdict("r1", lease["token"], "positive")
    await desk.answer("r2", "positive")
    problem_of(await desk.use("r1", lease["token"], "undo"), 409, "conflict")


async def have_answered(desk: Desk, *names: str) -> None:
    """Let these people have answered something of the project."""
    await ask_for(desk, overlap=1, max_overlap=1)
    for name in names:
        await desk.post(entry(f"of {name}"))
        await desk.answer(name, "positive")


async def skip(desk: Desk, name: str) -> Json:
    lease = await desk.lease_one(name)
    return body_of(await desk.use(name, lease["token"], "skip", {"reason": "unclear"}))


async def test_a_skip_takes_no_opinion_from_the_task(desk: Desk) -> None:
    await have_answered(desk, "r3")
    await ask_for(desk, overlap=3, max_overlap=3)
    await desk.post(entry("a"))
    assert (await skip(desk, "s1"))["state"] == "open"
    await all_answer(desk, "positive", "positive")
    assert await disputed(desk) == []
    await desk.answer("r3", "positive")
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["verdicts"]) == ("positive", 3)


async def test_a_skip_leaves_no_task_to_people_whom_there_are_not(desk: Desk) -> None:
    await ask_for(desk, overlap=2, max_overlap=3)
    await desk.post(entry("a"))
    await skip(desk, "s1")
    await all_answer(desk, "negative", "positive")
    assert await disputed(desk) == ["a"]


async def test_who_has_answered_long_ago_is_not_waited_for(desk: Desk) -> None:
    await have_answered(desk, "r3")
    await ask_for(desk, overlap=2, max_overlap=2)
    desk.clock.advance(7 * 86_400 + 1)
    await desk.post(entry("a"))
    await skip(desk, "s1")
    await desk.answer("r1", "positive")
    assert await disputed(desk) == ["a"]


async def test_too_many_skips_leave_the_word_to_the_label_that_leads(desk: Desk) -> None:
    await have_answered(desk, "s1", "s2", "s3")
    await ask_for(desk, overlap=2, max_overlap=4)
    await desk.post(entry("a"))
    await all_answer(desk, "negative", "positive", "negative")
    for number in range(3):
        assert (await skip(desk, f"s{number}"))["state"] == "open"
    assert await disputed(desk) == []
    await skip(desk, "s3")
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["source"], outcome["verdicts"]) == (
        "negative",
        "consensus",
        3,
    )


async def test_too_many_skips_with_too_few_verdicts_are_an_adjudicators(desk: Desk) -> None:
    await have_answered(desk, "s2")
    await ask_for(desk, overlap=2, max_overlap=2)
    await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    assert (await skip(desk, "s1"))["state"] == "open"
    assert await disputed(desk) == []
    assert (await skip(desk, "s2"))["outcome"] is None
    assert await disputed(desk) == ["a"]


async def test_what_waits_for_an_adjudicator_stays_his_when_it_is_drawn_as_evidence(
    desk: Desk,
) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    body_of(await desk.use("r1", lease["token"], "skip", {"to": "adjudicator"}))
    (receipt,) = await desk.post(entry("a", lane="audit"))
    assert receipt["status"] == "existing"
    assert await disputed(desk) == ["a"]
    assert await nobody_gets_it(desk)


async def test_a_skip_to_an_adjudicator_keeps_the_task_from_all_others(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    body_of(await desk.use("r1", lease["token"], "skip", {"to": "adjudicator"}))
    assert await nobody_gets_it(desk)
    assert await disputed(desk) == ["a"]
    # Taken back, it is his again.
    body_of(await desk.use("r1", lease["token"], "undo"))
    assert await disputed(desk) == []
    assert (await desk.lease_one("r1"))["task"]["task_id"] == receipt["task_id"]


async def test_a_skip_to_oneself_comes_back_behind_the_others(desk: Desk) -> None:
    await desk.post(entry("a"), entry("b"))
    lease = await desk.lease_one("r1")
    assert lease["task"]["item_id"] == "a"
    body_of(await desk.use("r1", lease["token"], "skip", {"to": "me"}))
    assert [one["task"]["item_id"] for one in await desk.lease("r2", 2)] == ["b"]
    again = await desk.lease_one("r1")
    assert again["task"]["item_id"] == "a"
    await desk.use("r1", again["token"], "skip", {"to": "me"})
    # He does not come: after the time of a lease it is anybody's.
    desk.clock.advance(61)
    assert "a" in [one["task"]["item_id"] for one in await desk.lease("r2", 2)]


@pytest.mark.parametrize("overlap", [1, 2])
async def test_what_was_put_off_keeps_its_turn_for_all_others(desk: Desk, overlap: int) -> None:
    await ask_for(desk, overlap=overlap)
    soon = rfc3339(desk.clock() + timedelta(seconds=600))
    await desk.post(entry("urgent", due_at=soon))
    lease = await desk.lease_one("r1")
    body_of(await desk.use("r1", lease["token"], "skip", {"to": "me"}))
    later = [rfc3339(desk.clock() + timedelta(hours=6 + number)) for number in range(3)]
    await desk.post(*(entry(f"later-{number}", due_at=at) for number, at in enumerate(later)))
    # As long as it is his alone, he gets it behind all others, and nobody else at all.
    assert (await desk.lease_one("r1"))["task"]["item_id"] == "later-0"
    assert (await desk.lease_one("r2"))["task"]["item_id"] == "later-1"
    desk.clock.advance(61)
    assert (await desk.lease_one("r2"))["task"]["item_id"] == "urgent"


@pytest.mark.parametrize("overlap", [1, 2])
async def test_evidence_that_was_put_off_does_not_starve(desk: Desk, overlap: int) -> None:
    await ask_for(desk, overlap=overlap)
    await desk.post(entry("certified", lane="certification"))
    lease = await desk.lease_one("r1")
    body_of(await desk.use("r1", lease["token"], "skip", {"to": "me"}))
    desk.clock.advance(3600)
    await desk.post(*(entry(f"audit-{number}", lane="audit") for number in range(2)))
    assert (await desk.lease_one("r2"))["task"]["item_id"] == "certified"


async def test_a_verdict_given_elsewhere_is_one_vote_and_may_change(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    path = desk.path(f"tasks/{receipt['task_id']}/verdicts")

    async def record(name: str, label: str) -> Json:
        return body_of(await desk.service.post(path, json={"reviewer": name, "label": label}))

    assert (await record("r1", "negative"))["state"] == "open"
    assert (await record("r1", "negative"))["state"] == "open"
    assert (await record("r1", "positive"))["state"] == "open"
    outcome = (await record("r2", "positive"))["outcome"]
    assert (outcome["label"], outcome["verdicts"]) == ("positive", 2)


async def test_reopened_work_needs_all_its_verdicts_anew(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    await all_answer(desk, "positive", "positive")
    path = desk.path(f"tasks/{receipt['task_id']}/reopen")
    body_of(await desk.operator.post(path))
    assert (await desk.answer("r1", "negative"))["state"] == "open"
    assert (await desk.answer("r2", "negative"))["outcome"]["revision"] == 3


@pytest.mark.sql
async def test_racing_reviewers_give_each_task_its_votes_and_no_more(desk: Desk) -> None:
    await desk.post(*(entry(f"item-{number}") for number in range(40)))

    async def work(name: str) -> int:
        done = 0
        while leases := await desk.lease(name, 3):
            for lease in leases:
                await desk.verdict(name, lease["token"], "positive")
                done += 1
        return done

    done = await asyncio.gather(*(work(f"r{number}") for number in range(8)))
    # Whoever found nothing for a moment has stopped: the last ones are answered one by one.
    done += [await work(f"last-{number}") for number in range(2)]
    assert sum(done) == 80
    feed = (await desk.outcomes())["outcomes"]
    assert [row["verdicts"] for row in feed] == [2] * 40


async def test_an_overlap_beyond_the_most_is_refused(desk: Desk) -> None:
    spec = {"labels": ["a", "b"], "fields": {"text": {"type": "text"}}}
    review = {"overlap": 3, "max_overlap": 2}
    answer = await desk.operator.put(desk.path(), json={**spec, "review": review})
    problem_of(answer, 422, "unprocessable")


async def test_a_lease_lasts_three_times_as_long_as_people_need(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 1})
    await desk.post(*(entry(f"item-{number}") for number in range(30)))
    assert await seconds_of_a_lease(desk) == 300
    for number in range(20):
        lease = await desk.lease_one("r1")
        answer = {"label": "positive", "active_seconds": 30 + number}
        body_of(await desk.use("r1", lease["token"], "verdict", answer))
    desk.clock.advance(61)
    assert await seconds_of_a_lease(desk) == 3 * 39.5


async def seconds_of_a_lease(desk: Desk) -> float:
    lease = await desk.lease_one("r1")
    await desk.use("r1", lease["token"], "release")
    return (datetime.fromisoformat(lease["expires_at"]) - desk.clock()).total_seconds()
