"""Leases and verdicts that come together, and the quick way past the framework."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from shared.db import Database
from tests.harness.desk import Desk, body_of, entry, problem_of

PLAIN, OTHERWISE = "application/json", "application/json; charset=utf-8"
# What differs from one task to the next.
OWN = {"token", "task_id", "item_id", "data", "expires_at"}


@pytest.fixture(autouse=True)
def no_failed_batch() -> Iterator[None]:
    """The calls of a batch that fails are answered one by one, and nothing else would show it."""
    with capture_logs() as logs:
        yield
    assert not [line for line in logs if line["event"].startswith("batch")]


async def ask(desk: Desk, name: str, path: str, body: bytes, kind: str = PLAIN) -> httpx.Response:
    """A call by the quick way, or by the framework's where it is not plain JSON."""
    return await desk.reviewer(name).post(path, content=body, headers={"Content-Type": kind})


def without_own(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_own(each) for key, each in value.items() if key not in OWN}
    return [without_own(each) for each in value] if isinstance(value, list) else value


@pytest.mark.sql
async def test_twenty_at_once_get_a_task_each_and_answer_it(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(*(entry(f"item-{number}") for number in range(20)))
    names = [f"r{number}" for number in range(20)]
    # The first makes the project known.
    leases = [await desk.lease_one(names[0])]
    leases += await asyncio.gather(*(desk.lease_one(name) for name in names[1:]))
    assert len({lease["task"]["task_id"] for lease in leases}) == 20
    progress = await asyncio.gather(
        *(
            desk.verdict(n, lease["token"], "positive")
            for n, lease in zip(names, leases, strict=True)
        )
    )
    assert {one["state"] for one in progress} == {"resolved"}
    rows = (await desk.outcomes())["outcomes"]
    assert {row["task_id"] for row in rows} == {lease["task"]["task_id"] for lease in leases}
    for lease in leases:
        kinds = await desk.kinds(lease["task"]["task_id"])
        assert kinds == ["created", "leased", "verdict", "resolved"]


@pytest.mark.sql
async def test_the_same_verdict_twice_at_once_is_given_once(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    first, second = await asyncio.gather(
        *(desk.verdict("r1", lease["token"], "positive") for _ in range(2))
    )
    assert first == second
    assert len((await desk.outcomes())["outcomes"]) == 1


@pytest.mark.any_database
async def test_a_wrong_verdict_among_others_is_refused_alone(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    leases = [await desk.lease_one(f"r{number}") for number in range(4)]
    labels = ("positive", "no such label", "negative", "positive")
    holders = ("r0", "r1", "r2", "r0")
    answers = await asyncio.gather(
        *(
            desk.use(holder, lease["token"], "verdict", {"label": label})
            for holder, lease, label in zip(holders, leases, labels, strict=True)
        )
    )
    assert [one.status_code for one in answers] == [200, 422, 200, 409]
    problem_of(answers[3], 409, "lease-expired")


@pytest.mark.parametrize("kind", [PLAIN, OTHERWISE])
@pytest.mark.any_database
async def test_the_quick_way_says_what_the_route_says(desk: Desk, kind: str) -> None:
    await desk.put_project()
    prediction = {"label": "positive", "confidence": 0.75, "probabilities": {"positive": 0.75}}
    await desk.post(*(entry(name, metadata={"channel": "web"}, prediction=prediction)
                      for name in ("a", "b")))  # fmt: skip
    leased = [
        body_of(await ask(desk, "r1", desk.path("leases"), b"{}", each)) for each in (PLAIN, kind)
    ]
    assert without_own(leased[0]) == without_own(leased[1])
    given = [
        body_of(
            await ask(desk, "r1", f"/v1/leases/{one['leases'][0]['token']}/verdict",
                      b'{"label":"positive","comment":"sure"}', each)
        )
        for one, each in zip(leased, (PLAIN, kind), strict=True)
    ]  # fmt: skip
    assert without_own(given[0]) == without_own(given[1])
    for body, status in ((b"{", 400), (b'{"label":1}', 422), (b'{"label":"positive"}', 409)):
        path = f"/v1/leases/{leased[0]['leases'][0]['token']}/verdict"
        answers = [await ask(desk, "r1", path, body, each) for each in (PLAIN, kind)]
        assert [one.status_code for one in answers] == [status, status]
        assert answers[0].json() == answers[1].json()
    refused = await ask(desk, "r1", "/v1/projects/nowhere/leases", b"{}", kind)
    problem_of(refused, 404, "not-found")
    refused = await ask(desk, "r1", "/v1/leases/short/verdict", b'{"label":"positive"}', kind)
    problem_of(refused, 404, "not-found")
    caller = await desk.of("caller").post(
        desk.path("leases"), content=b"{}", headers={"Content-Type": kind}
    )
    problem_of(caller, 403, "forbidden")


async def test_a_project_that_changes_is_seen_by_the_next_lease_and_verdict(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(entry("a"), entry("b"))
    lease = await desk.lease_one("r1")
    await desk.put_project(labels=["negative", "other"], instructions="Read it twice.")
    refused = await desk.use("r1", lease["token"], "verdict", {"label": "positive"})
    problem_of(refused, 422, "unprocessable")
    assert (await desk.verdict("r1", lease["token"], "other"))["state"] == "resolved"
    assert (await desk.lease_one("r2"))["task"]["instructions_revision"] == 2


async def test_an_expired_lease_is_ended_when_its_task_is_leased_with_others(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(entry("a"))
    first = await desk.lease_one("r1")
    desk.clock.advance(61)
    second = await desk.lease_one("r2")
    assert second["task"]["task_id"] == first["task"]["task_id"]
    kinds = await desk.kinds(first["task"]["task_id"])
    assert kinds[-3:] in (["leased", "expired", "leased"], ["expired", "leased"])
    problem_of(
        await desk.use("r1", first["token"], "verdict", {"label": "positive"}),
        409,
        "lease-expired",
    )


@contextlib.asynccontextmanager
async def locked(database_url: str, task_id: str) -> AsyncIterator[None]:
    """Hold a task's row, as a replica does that hangs; SQLite knows no such lock."""
    database = Database(database_url)
    try:
        if database.is_sqlite:
            yield
            return
        async with database.transaction() as session:
            await session.execute(
                text("SELECT 1 FROM tasks WHERE task_id = :task FOR UPDATE"), {"task": task_id}
            )
            yield
    finally:
        await database.dispose()


@pytest.mark.sql
async def test_a_task_that_somebody_holds_keeps_nobody_else_waiting(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(*(entry(f"item-{number}") for number in range(3)))
    first, second = [await desk.lease_one(name) for name in ("r1", "r2")]
    async with locked(desk.database_url, first["task"]["task_id"]):
        waiting = asyncio.create_task(desk.verdict("r1", first["token"], "positive"))
        async with asyncio.timeout(60):
            assert (await desk.verdict("r2", second["token"], "negative"))["state"] == "resolved"
            third = await desk.lease_one("r3")
            assert (await desk.verdict("r3", third["token"], "negative"))["state"] == "resolved"
    assert (await waiting)["state"] == "resolved"


async def test_one_who_may_not_have_the_first_ones_still_gets_all_he_asked_for(
    desk: Desk,
) -> None:
    await desk.put_project()
    await desk.post(*(entry(f"item-{number}") for number in range(12)))
    put_off = await desk.lease("r1", count=5)
    for lease in put_off:
        await desk.use("r1", lease["token"], "skip", {"reason": "unsure", "to": "others"})
    got = await desk.lease("r1", count=6)
    assert len(got) == 6
    assert {one["task"]["task_id"] for one in got}.isdisjoint(
        one["task"]["task_id"] for one in put_off
    )


@pytest.mark.parametrize("kind", [PLAIN, OTHERWISE])
@pytest.mark.any_database
async def test_of_two_tokens_the_first_one_counts(desk: Desk, kind: str) -> None:
    await desk.put_project()
    await desk.post(entry("a"))
    tokens = [desk.reviewer(name).headers["Authorization"] for name in ("r1", "r2")]
    headers = [("Content-Type", kind), *(("Authorization", token) for token in tokens)]
    async with httpx.AsyncClient(base_url=desk.reviewer("r1").base_url) as client:
        answer = await client.post(desk.path("leases"), content=b"{}", headers=headers)
    (lease,) = body_of(answer)["leases"]
    assert (await desk.verdict("r1", lease["token"], "positive"))["state"] == "resolved"
