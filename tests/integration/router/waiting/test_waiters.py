"""Following a feed that says odd things: a scripted queue in the place of the real one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from fastapi import Response

from services.review_queue.lifecycle.problems import FeedRestarted
from services.router.delivery.review_queue import ReviewQueue
from services.router.waiting.waiters import Waiters
from shared.problems import NotFound, Unprocessable
from tests.harness import free_port, serve, wait_until
from tests.harness.scripted_queue import ScriptedQueue

FAR = 60.0


def row(item_id: str, label: str | None = "x", revision: int = 1, **parts: Any) -> dict[str, Any]:
    """A row of the feed."""
    return {
        "item_id": item_id,
        "task_id": f"task-{item_id}",
        "revision": revision,
        "data": {},
        "metadata": {},
        "lane": "mandatory",
        "label": label,
        "source": "human",
        "verdicts": 1 if label else 0,
        "blind": True,
        "prediction": None,
        "instructions_revision": 1,
        "resolved_at": "2026-11-24T06:00:00.000Z",
        **parts,
    }


def known(item_id: str, label: str | None, revision: int = 1) -> dict[str, Any]:
    """What a look-up says of an item."""
    status = "in_review" if label is None else "resolved"
    return {"item_id": item_id, "status": status, "label": label, "revision": revision}


@contextlib.asynccontextmanager
async def waiting_at(url: str, **changes: float) -> AsyncIterator[Waiters]:
    queue = ReviewQueue(url, "token")
    settings: dict[str, Any] = {"limit": 100, "poll_seconds": 0.2, "linger_seconds": 0.2}
    waiters = Waiters(queue, **{**settings, **changes})
    try:
        async with waiters.running(asyncio.Event()):
            yield waiters
    finally:
        await queue.close()


async def label_of(waiters: Waiters, item_id: str = "a", seconds: float = FAR) -> str | None:
    async with waiters.waiting("shop", [item_id], seconds) as wait:
        found = await wait.outcomes([item_id])
        return found[item_id].label if item_id in found else None


def pages(**by_cursor: list[dict[str, Any]]) -> Any:
    """A feed whose pages are named: from its end, `first`, one leads to the next, or to itself."""
    names = list(by_cursor)

    def feed(query: Mapping[str, str]) -> dict[str, Any]:
        if "tail" in query:
            return {"outcomes": [], "cursor": names[0]}
        rows = by_cursor.get(query["after"], [])
        following = [*names, "end"][names.index(query["after"]) + 1] if rows else query["after"]
        return {"outcomes": rows, "cursor": following}

    return feed


async def test_what_a_later_page_takes_back_ends_no_wait() -> None:
    many = [row(f"other-{n}") for n in range(999)]
    queue = ScriptedQueue(
        feed=pages(first=[row("a", "old"), *many], second=[row("a", None, revision=2)], third=[])
    )
    async with serve(queue.app()) as url, waiting_at(url) as waiters:
        answer = asyncio.create_task(label_of(waiters))
        await wait_until(lambda: queue.read and queue.read[-1].get("after") == "third")
        assert not answer.done()
        queue.feed = pages(third=[row("a", "new", revision=3)])
        assert await answer == "new"
    # Behind a full page nothing is waited for; the feed's end is.
    waits = [query["wait_seconds"] for query in queue.read[:4]]
    assert waits == ["0", "0.2", "0", "0.2"]
    assert all(query["brief"] == "true" for query in queue.read if "after" in query)


async def test_a_row_that_takes_a_label_back_on_the_same_page_counts() -> None:
    rows = [row("a", "old"), row("b"), row("a", None, revision=2)]
    queue = ScriptedQueue(feed=pages(first=rows, second=[]))
    async with serve(queue.app()) as url, waiting_at(url) as waiters:
        answer = asyncio.create_task(label_of(waiters))
        await wait_until(lambda: queue.read and queue.read[-1].get("after") == "second")
        assert not answer.done()
        queue.feed = pages(second=[row("a", None, revision=3, verdicts=2)])
        assert await answer is None


async def test_item_that_has_expired_is_not_waited_for_any_longer() -> None:
    queue = ScriptedQueue(feed=pages(first=[row("a", None, source="expiry")], second=[]))
    async with (
        serve(queue.app()) as url,
        waiting_at(url) as waiters,
        waiters.waiting("shop", ["a"], FAR) as wait,
    ):
        assert not await wait.over()
        told = wait.newest["a"]
    assert (told.status, told.label, told.source) == ("resolved", None, "expiry")


@pytest.mark.parametrize(
    "odd",
    [
        Unprocessable([("/query/after", "is not a cursor of this list")]).response(),
        NotFound("There is no such project.").response(),
        FeedRestarted(epoch=2).response(),
        Response(b"{}", 503),
        Response(b'{"outcomes":[{}],"cursor":"x"}', 200),
        Response(b"not json", 200),
    ],
    ids=["refused", "no project", "restored", "away", "malformed", "no JSON"],
)
async def test_after_an_answer_that_says_nothing_all_that_wait_are_looked_up(odd: Response) -> None:
    queue = ScriptedQueue()
    async with serve(queue.app()) as url, waiting_at(url) as waiters:
        answers = [asyncio.create_task(label_of(waiters, name)) for name in "abc"]
        await wait_until(lambda: queue.read and "after" in queue.read[-1])
        assert queue.looks == []
        queue.feed = lambda query: odd
        seen = len(queue.read)
        await wait_until(lambda: len(queue.read) > seen + 1)
        queue.outcomes = {"a": known("a", "x"), "b": known("b", None, 2)}
        queue.feed = lambda query: {"outcomes": [], "cursor": "end"}
        assert await answers[0] == "x"
        assert queue.looks == [["a", "b", "c"]]
        # Of the others the feed tells, unless it only repeats what is past.
        rows = [row("b", "old"), row("c", "y")]
        queue.feed = lambda query: {"outcomes": rows, "cursor": "end"}
        assert await answers[2] == "y"
        assert not answers[1].done()
        rows = [row("b", "new", revision=3)]
        assert await answers[1] == "new"


async def test_a_look_up_that_fails_is_made_again() -> None:
    port = free_port()
    queue = ScriptedQueue(outcomes={"a": NotFound("Not now.")})
    url = f"http://127.0.0.1:{port}"
    async with (
        waiting_at(url) as waiters,
        waiters.waiting("shop", ["a"], FAR) as wait,
        serve(queue.app(), port),
    ):
        await wait_until(lambda: len(queue.looks) > 1)
        queue.outcomes = {"a": known("a", "x")}
        assert (await wait.outcomes(["a"]))["a"].label == "x"


@pytest.mark.thorough
async def test_a_feed_is_followed_for_some_time_after_its_last_wait_and_not_for_ever() -> None:
    queue = ScriptedQueue()
    async with serve(queue.app()) as url, waiting_at(url, linger_seconds=2) as waiters:
        assert await label_of(waiters, seconds=0.01) is None
        assert await label_of(waiters, seconds=0.01) is None
        assert [query for query in queue.read if "tail" in query] == queue.read[:1]
        await wait_until(lambda: not waiters._followers)
        read = len(queue.read)
        answer = asyncio.create_task(label_of(waiters))
        await wait_until(lambda: len(queue.read) > read + 1)
        assert "tail" in queue.read[read]
        queue.feed = lambda query: {"outcomes": [row("a")], "cursor": "end"}
        assert await answer == "x"


async def test_a_feed_that_cannot_be_read_delays_nobody_for_long(away_url: str) -> None:
    async with waiting_at(away_url) as waiters, waiters.waiting("shop", ["a"], FAR) as wait:
        assert wait.unsure
        assert not wait.is_over


async def test_when_the_service_stops_all_waits_end_and_no_more_begin() -> None:
    queue, stopping = ScriptedQueue(), asyncio.Event()
    async with serve(queue.app()) as url:
        client = ReviewQueue(url, "token")
        waiters = Waiters(client, limit=100)
        async with waiters.running(stopping):
            answers = [asyncio.create_task(label_of(waiters, str(n))) for n in range(10)]
            await wait_until(lambda: len(queue.read) > 1)
            stopping.set()
            assert await asyncio.gather(*answers) == [None] * 10
            assert await label_of(waiters) is None
        await client.close()


async def test_projects_wait_apart() -> None:
    queue = ScriptedQueue(feed=pages(first=[row("a")], second=[]))
    async with serve(queue.app()) as url, waiting_at(url) as waiters:
        async with waiters.waiting("news", ["b"], FAR) as wait:
            assert await label_of(waiters) == "x"
            assert not wait.is_over
        assert await label_of(waiters, seconds=0) is None


async def test_names_of_a_later_release_answer_nobody_and_stop_no_feed() -> None:
    later: dict[str, Any] = {"source": "ensemble", "later_member": 1}
    queue = ScriptedQueue(feed=pages(first=[row("a", "guess", **later)], second=[]))
    queue.outcomes["a"] = known("a", "guess") | later
    async with serve(queue.app()) as url, waiting_at(url) as waiters:
        answer = asyncio.create_task(label_of(waiters))
        await wait_until(lambda: queue.read and queue.read[-1].get("after") == "second")
        assert not answer.done()
        queue.outcomes["a"] = known("a", "guess") | {"status": "answered"}
        queue.feed = pages(second=[row("a", "told", revision=2, lane="later", new=[])])
        assert await answer == "told"
