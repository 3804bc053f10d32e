"""Reviewing through the client: leases that live on, undo, and the feed."""

import asyncio

from services.demo.workforce import Workforce
from surehand import AsyncReviewTask, AsyncSurehand
from surehand.models.tasks import OutcomePage
from tests.e2e.client.conftest import SPEC, Installation
from tests.harness import wait_until


async def add(client: AsyncSurehand, project: str, *item_ids: str) -> list[str]:
    """Add tasks, and return their ids."""
    tasks = [{"item_id": item_id, "data": {"text": item_id}} for item_id in item_ids]
    return [receipt.task_id or "" for receipt in await client.tasks.add(project, tasks)]


async def test_a_task_in_hand_stays_in_hand(client: AsyncSurehand, project: str) -> None:
    await client.projects.patch(project, {"review": {"lease_seconds": 5}})
    (task_id,) = await add(client, project, "a")
    async with client.review(project) as tasks:
        task = await anext(aiter(tasks))

        async def renewed() -> bool:
            expires = (await client.tasks.get(project, task_id)).lease_expires_at
            return expires is not None and expires > task.lease.expires_at

        await wait_until(renewed)
        progress = await task.answer("positive")
        assert (progress.state, task.data) == ("resolved", {"text": "a"})


async def test_what_is_left_undecided_is_given_back(client: AsyncSurehand, project: str) -> None:
    ids = await add(client, project, "a", "b")
    async with client.review(project, count=2) as tasks:
        async for task in tasks:
            assert task.item_id in "ab"
            break
    states = [(await client.tasks.get(project, task_id)).state for task_id in ids]
    assert states == ["open", "open"]


async def test_reviewers_of_the_demo_give_their_tasks_back_when_they_are_stopped(
    installation: Installation, client: AsyncSurehand, project: str
) -> None:
    deciding = asyncio.Event()

    class Undecided(Workforce):
        async def _decide(self, task: AsyncReviewTask) -> None:
            deciding.set()
            await asyncio.Event().wait()

    async def work() -> None:
        async with reviewers.working():
            await asyncio.Event().wait()

    async def states() -> set[str]:
        return {(await client.tasks.get(project, task_id)).state for task_id in ids}

    ids = await add(client, project, "a", "b")
    token = installation.token("reviewer", "rita")
    reviewers = Undecided(installation.addresses[1], {"rita": token}, {}, 0, project)
    async with asyncio.timeout(60):
        working = asyncio.create_task(work())
        await deciding.wait()
        assert await states() == {"leased"}
        working.cancel()
        await asyncio.wait([working])
    assert await states() == {"open"}


async def test_an_answer_can_be_taken_back(client: AsyncSurehand, project: str) -> None:
    (task_id,) = await add(client, project, "a")
    labels = iter(["negative", "positive"])
    async for task in client.review(project):
        await task.answer(next(labels), comment="as it seems")
        if (await client.tasks.get(project, task_id)).label == "negative":
            await task.undo()
    assert (await client.tasks.get(project, task_id)).label == "positive"


async def test_the_feed_is_followed_from_a_cursor(client: AsyncSurehand, project: str) -> None:
    outcomes = client.outcomes(project)
    start = await outcomes.tail()
    pages: list[OutcomePage] = []

    async def follow() -> None:
        async for page in client.outcomes(project).follow(start):
            pages.append(page)  # noqa: PERF401

    following = asyncio.create_task(follow())
    await add(client, project, "a", "b")
    async for task in client.review(project):
        await task.answer("positive")
    await wait_until(lambda: sum(len(page.outcomes) for page in pages) == 2)
    following.cancel()
    rows = [row for page in pages for row in page.outcomes]
    assert [(row.item_id, row.label, row.source) for row in rows] == [
        ("a", "positive", "human"),
        ("b", "positive", "human"),
    ]
    assert (await outcomes.read(pages[-1].cursor)).outcomes == []
    assert [one.item_id for one in await outcomes.find(["b", "none", "a"])] == ["b", "a"]
    assert (await outcomes.get("a")).status == "resolved"


async def test_threads_review_too(installation: Installation, client: AsyncSurehand) -> None:
    await client.projects.put("threads", SPEC)
    await add(client, "threads", "a", "b")

    def work() -> list[str]:
        with installation.threaded_client("reviewer", "theo") as reviewer:
            seen = []
            for task in reviewer.review("threads"):
                task.answer("positive")
                seen.append(task.item_id)
            return seen

    assert await asyncio.to_thread(work) == ["a", "b"]
    (me,) = [one async for one in client.reviewers.list("threads")]
    assert (me.reviewer, me.verdicts) == ("theo", 2)
