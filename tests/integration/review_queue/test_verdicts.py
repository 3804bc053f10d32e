import asyncio

import pytest

from shared.contracts.base import rfc3339
from tests.harness.desk import Desk, Json, body_of, entry, problem_of

pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


def expired(problem: Json) -> tuple[str | None, str | None]:
    """What became of the task, as the problem says: its state and label."""
    outcome = problem["outcome"]
    return problem["state"], outcome and outcome["label"]


async def test_verdict_resolves_the_task_with_all_that_the_feed_says(desk: Desk) -> None:
    prediction = {"label": "positive", "confidence": 0.7, "model_version": "v1"}
    await desk.post(entry("a", metadata={"channel": "web"}, prediction=prediction))
    lease = await desk.lease_one("r1")
    verdict = {"label": "negative", "active_seconds": 3.4, "comment": "irony"}
    progress = body_of(await desk.use("r1", lease["token"], "verdict", verdict))
    assert progress == {
        "task_id": lease["task"]["task_id"],
        "state": "resolved",
        "outcome": {"label": "negative", "revision": 1},
    }
    outcome = await desk.newest("a")
    prediction_known = {k: v for k, v in outcome.pop("prediction").items() if v is not None}
    assert prediction_known == prediction
    assert outcome == {
        "item_id": "a",
        "task_id": lease["task"]["task_id"],
        "revision": 1,
        "data": {"text": "text of a"},
        "metadata": {"channel": "web"},
        "lane": "mandatory",
        "label": "negative",
        "source": "human",
        "verdicts": 1,
        "blind": True,
        "instructions_revision": 1,
        "resolved_at": rfc3339(desk.clock()),
    }
    assert await desk.kinds(outcome["task_id"]) == ["created", "leased", "verdict", "resolved"]
    assert await desk.lease("r2") == []


async def test_repeated_verdict_gets_the_same_answer_also_after_expiry(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    first = await desk.verdict("r1", lease["token"], "negative")
    assert await desk.verdict("r1", lease["token"], "negative") == first
    desk.clock.advance(3600)
    assert await desk.verdict("r1", lease["token"], "negative") == first
    assert len((await desk.outcomes())["outcomes"]) == 1


async def test_repeated_verdict_tells_its_own_outcome_after_a_reopening(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    first = await desk.verdict("r1", lease["token"], "negative")
    await desk.operator.post(desk.path(f"tasks/{first['task_id']}/reopen"))
    assert await desk.verdict("r1", lease["token"], "negative") == first


@pytest.mark.sql
async def test_verdicts_sent_at_once_are_one(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    answers = await asyncio.gather(
        *(desk.verdict("r1", lease["token"], "negative") for _ in range(6))
    )
    assert all(answer == answers[0] for answer in answers)
    assert len((await desk.outcomes())["outcomes"]) == 1


@pytest.mark.parametrize("other", [{"label": "positive"}, {"label": "negative", "comment": "hm"}])
async def test_another_verdict_is_a_conflict(desk: Desk, other: Json) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.verdict("r1", lease["token"], "negative")
    answer = await desk.use("r1", lease["token"], "verdict", other)
    assert problem_of(answer, 409, "conflict")["ending"] == "verdict"
    problem_of(await desk.use("r1", lease["token"], "skip", {}), 409, "conflict")
    problem_of(await desk.use("r1", lease["token"], "release"), 409, "conflict")


async def test_expired_lease_cannot_submit_and_learns_what_became_of_the_task(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    desk.clock.advance(60)

    async def submit() -> Json:
        answer = await desk.use("r1", lease["token"], "verdict", {"label": "negative"})
        return problem_of(answer, 409, "lease-expired")

    assert expired(await submit()) == ("open", None)
    second = await desk.lease_one("r2")
    assert expired(await submit()) == ("leased", None)
    await desk.verdict("r2", second["token"], "positive")
    problem = await submit()
    assert expired(problem) == ("resolved", "positive")
    assert problem["task_id"] == lease["task"]["task_id"]
    assert len((await desk.outcomes())["outcomes"]) == 1


async def test_foreign_token_is_refused(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    payloads: dict[str, Json] = {"verdict": {"label": "negative"}, "skip": {}}
    for what in ("verdict", "skip", "release", "renew", "undo"):
        foreign = await desk.use("r2", lease["token"], what, payloads.get(what))
        problem = problem_of(foreign, 409, "lease-expired")
        assert (problem["task_id"], problem["state"]) == (lease["task"]["task_id"], "leased")
        unknown = await desk.use("r1", "A" * 43, what, payloads.get(what))
        assert problem_of(unknown, 409, "lease-expired")["task_id"] is None
        problem_of(await desk.use("r1", "nonsense", what, payloads.get(what)), 404, "not-found")


async def test_renewed_lease_lasts_longer_and_an_expired_one_cannot_be_renewed(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    desk.clock.advance(50)
    renewal = body_of(await desk.use("r1", lease["token"], "renew"))
    desk.clock.advance(59)
    assert renewal["token"] == lease["token"]
    assert renewal["expires_at"] > rfc3339(desk.clock())
    assert await desk.lease("r2") == []
    desk.clock.advance(1)
    problem_of(await desk.use("r1", lease["token"], "renew"), 409, "lease-expired")
    assert len(await desk.lease("r2")) == 1


async def test_released_task_can_be_had_again_at_once(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    released = body_of(await desk.use("r1", lease["token"], "release"))
    assert (released["state"], released["outcome"]) == ("open", None)
    assert body_of(await desk.use("r1", lease["token"], "release")) == released
    refused = await desk.use("r1", lease["token"], "verdict", {"label": "negative"})
    problem_of(refused, 409, "conflict")
    assert len(await desk.lease("r1")) == 1
    assert await desk.kinds(receipt["task_id"]) == ["created", "leased", "released", "leased"]


async def test_skipped_task_goes_to_others_and_never_back(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    skipped = body_of(await desk.use("r1", lease["token"], "skip", {"reason": "unclear"}))
    assert (skipped["state"], skipped["outcome"]) == ("open", None)
    assert body_of(await desk.use("r1", lease["token"], "skip", {"reason": "unclear"})) == skipped
    assert await desk.lease("r1") == []
    progress = await desk.answer("r2", "positive")
    assert progress["outcome"]["label"] == "positive"
    assert "skipped" in await desk.kinds(receipt["task_id"])


async def test_after_max_overlap_skips_nobody_can_answer(desk: Desk) -> None:
    await desk.post(entry("a", lane="certification"))
    for name in ("r1", "r2"):
        lease = await desk.lease_one(name)
        # Without a body, as without a reason.
        progress = body_of(await desk.use(name, lease["token"], "skip"))
    assert progress["state"] == "resolved"
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["verdicts"], outcome["source"]) == (None, 2, "human")
    assert await desk.lease("r3") == []
    answer = body_of(await desk.of("caller").get(desk.path("outcomes/a")))
    assert (answer["status"], answer["label"], answer["revision"]) == ("resolved", None, 1)


async def test_verdict_on_behalf_resolves_and_may_be_repeated(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    url = desk.path(f"tasks/{receipt['task_id']}/verdicts")
    verdict = {"reviewer": "anna", "label": "positive", "active_seconds": 2.0, "comment": None}
    first = body_of(await desk.service.post(url, json=verdict))
    assert first["outcome"]["label"] == "positive"
    assert first["outcome"]["blind"] is False
    assert body_of(await desk.service.post(url, json=verdict)) == first
    late = await desk.use("r1", lease["token"], "verdict", {"label": "negative"})
    assert expired(problem_of(late, 409, "lease-expired")) == ("resolved", "positive")
    for change in ({"label": "negative"}, {"reviewer": "bert"}):
        problem_of(await desk.service.post(url, json=verdict | change), 409, "conflict")
    timeline = (await desk.task(receipt["task_id"]))["timeline"]
    assert [(line["kind"], line["actor"]) for line in timeline] == [
        ("created", "service"),
        ("leased", "r1"),
        ("superseded", "r1"),
        ("verdict", "anna"),
        ("resolved", None),
    ]


async def test_verdict_on_behalf_is_checked(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    url = desk.path(f"tasks/{receipt['task_id']}/verdicts")
    wrong = await desk.operator.post(url, json={"reviewer": "anna", "label": "neutral"})
    (fault,) = problem_of(wrong, 422, "unprocessable")["errors"]
    assert fault["pointer"] == "/label"
    nobody = await desk.operator.post(url, json={"reviewer": "", "label": "positive"})
    problem_of(nobody, 422, "unprocessable")
    good = {"reviewer": "anna", "label": "positive"}
    for task_id in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        missing = await desk.operator.post(desk.path(f"tasks/{task_id}/verdicts"), json=good)
        problem_of(missing, 404, "not-found")
    # Expired first: the timeline says what really ended the lease.
    await desk.lease_one("r1")
    desk.clock.advance(60)
    body_of(await desk.operator.post(url, json=good))
    assert "expired" in await desk.kinds(receipt["task_id"])


async def test_reviewer_lists_find_what_he_holds_and_has_answered(desk: Desk) -> None:
    await desk.post(entry("d", lane="audit"))
    await desk.answer("r1", "positive")
    await desk.post(entry("a"), entry("b"), entry("c"))
    desk.clock.advance(10)
    await desk.post(entry("late"))
    await desk.lease_one("r1")

    async def found(**params: str | float) -> set[str]:
        body = body_of(await desk.service.get(desk.path("tasks"), params=params))
        return {row["item_id"] for row in body["tasks"]}

    assert await found(reviewer="r1") == {"d", "a"}
    assert await found(reviewer="r1", state="resolved") == {"d"}
    assert await found(label="positive") == {"d"}
    assert await found(state="leased") == {"a"}
    assert await found(lane="audit") == {"d"}
    assert await found(older_than_seconds=5) == {"a", "b", "c", "d"}
    desk.clock.advance(60)
    assert await found(state="leased") == set()
    assert await found(state="open") == {"a", "b", "c", "late"}


async def test_list_is_paged_oldest_first(desk: Desk) -> None:
    await desk.post(*(entry(f"i{number}") for number in range(7)))
    seen: list[str] = []
    params: dict[str, str | int] = {"limit": 3}
    while True:
        body = body_of(await desk.service.get(desk.path("tasks"), params=params))
        seen += [row["item_id"] for row in body["tasks"]]
        if body["cursor"] is None:
            break
        params["after"] = body["cursor"]
    assert seen == [f"i{number}" for number in range(7)]
