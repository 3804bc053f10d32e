"""The hand-off against a queue that answers, refuses, stalls and goes away."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi import Response

from services.router.delivery.handoff import Handoff
from services.router.delivery.messages import ItemOutcome
from services.router.delivery.review_queue import ReviewQueue
from services.router.problems import Overloaded, QueueUnreachable
from services.router.spool.dead_letters import DEAD_LETTERS_FILE
from services.router.spool.entries import Entry
from services.router.spool.spool import Spool
from shared.contracts.tasks import TaskReceipt
from shared.problems import BodyTooLarge, NotFound, Unavailable, Unprocessable
from tests.harness import free_port, serve, wait_until
from tests.harness.scripted_queue import ScriptedQueue, Task

LIMIT = 8 * 1024 * 1024


def entry(item_id: str, value: float = 1.0, project: str = "shop", **task: Any) -> Entry:
    base = {"item_id": item_id, "data": {"score": value}, "metadata": {}, "lane": "mandatory"}
    return Entry.of(project, {**base, **task})


@contextlib.asynccontextmanager
async def handing_off(root: Path, url: str, max_items: int = 10_000) -> AsyncIterator[Handoff]:
    handoff = Handoff(
        ReviewQueue(url, "token"),
        Spool(root, limit_bytes=64 * LIMIT),
        Spool(root / "audits", limit_bytes=64 * LIMIT),
        body_limit_bytes=LIMIT,
        max_items=max_items,
    )
    async with handoff.running():
        yield handoff


async def test_audits_are_durable_at_once_and_reach_the_queue_together(tmp_path: Path) -> None:
    queue = ScriptedQueue()
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        calls = [[entry(f"{n}", lane="audit"), entry(f"m{n}")] for n in range(20)]
        found = await asyncio.gather(*(handoff.deliver("shop", call) for call in calls))
        for call, receipts in zip(calls, found, strict=True):
            assert [one.task_id for one in receipts] == [one.task_id for one in call]
        await wait_until(lambda: len(queue.item_ids) == 40)
    audits = [tasks for _, tasks in queue.batches if tasks[0]["lane"] == "audit"]
    assert sum(map(len, audits)) == 20
    assert len(audits) < 20


async def test_audits_that_keep_coming_are_sent_together_too(tmp_path: Path) -> None:
    queue = ScriptedQueue()
    numbers = itertools.count()
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        started = time.monotonic()
        while len(queue.batches) < 4:
            await handoff.deliver("shop", [entry(f"{next(numbers)}", lane="audit")])
            # A batch that is full waits for no more: on a quick disk they would be.
            await asyncio.sleep(0.005)
    # After each batch, audits are gathered for half a second.
    assert time.monotonic() - started > 1.4


async def test_audits_do_not_wait_for_a_queue_that_is_away(tmp_path: Path) -> None:
    port = free_port()
    queue = ScriptedQueue()
    async with handing_off(tmp_path, f"http://127.0.0.1:{port}") as handoff:
        await handoff.deliver("shop", [entry("a", lane="audit")])
        assert handoff.backlog == 0
        assert (await handoff.outcome("shop", "a")).status == "in_review"
        with pytest.raises(QueueUnreachable):
            await handoff.outcome("shop", "b")
    # Another process finds it after the first has ended.
    async with serve(queue.app(), port) as url, handing_off(tmp_path, url):
        await wait_until(lambda: queue.item_ids == ["a"])


async def test_other_data_under_the_id_of_a_waiting_audit_is_a_conflict(tmp_path: Path) -> None:
    async with handing_off(tmp_path, f"http://127.0.0.1:{free_port()}") as handoff:
        await handoff.deliver("shop", [entry("a", lane="audit")])
        (receipt,) = await handoff.deliver("shop", [entry("a", 2.0, lane="audit")])
        assert receipt.status == "conflict"


@pytest.mark.thorough
async def test_callers_without_pause_do_not_keep_the_spool_full(tmp_path: Path) -> None:
    port = free_port()
    # A tenth of what the disk takes of these callers in the same time.
    queue = ScriptedQueue(seconds_per_task=0.002)
    stop = asyncio.Event()
    given = itertools.count()

    async def call(handoff: Handoff) -> None:
        while not stop.is_set():
            await handoff.deliver("shop", [entry(str(next(given)))])

    async with handing_off(tmp_path, f"http://127.0.0.1:{port}") as handoff:
        callers = [asyncio.create_task(call(handoff)) for _ in range(16)]
        await wait_until(lambda: handoff.backlog > 300)
        async with serve(queue.app(), port):
            try:
                await wait_until(lambda: handoff.backlog == 0)
                there = len(queue.item_ids)
                # And they go on, by the queue itself.
                await wait_until(lambda: len(queue.item_ids) > there + 50)
            finally:
                stop.set()
                await asyncio.gather(*callers)
            await wait_until(lambda: handoff.backlog == 0)
    assert len(queue.item_ids) == len(set(queue.item_ids)) == next(given)


def dead_letters(root: Path) -> list[dict[str, Any]]:
    files = root.glob(f"*/{DEAD_LETTERS_FILE}")
    return [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]


def spooled(root: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in root.glob("*/[0-9]*.jsonl"))


async def test_an_acknowledged_task_never_touches_the_disk(tmp_path: Path) -> None:
    queue = ScriptedQueue(status={"b": {"status": "existing", "state": "resolved", "label": "x"}})
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        receipts = await handoff.deliver("shop", [entry("a"), entry("b")])
        assert [receipt.status for receipt in receipts] == ["created", "existing"]
        assert receipts[1].label == "x"
        assert queue.item_ids == ["a", "b"]
        assert spooled(tmp_path) == 0


async def test_concurrent_calls_share_requests_and_get_their_own_receipts(tmp_path: Path) -> None:
    queue = ScriptedQueue()

    async def call(handoff: Handoff, n: int) -> list[TaskReceipt]:
        return await handoff.deliver("shop", [entry(f"{n}-{k}") for k in range(3)])

    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        calls = await asyncio.gather(*(call(handoff, n) for n in range(40)))
    for n, receipts in enumerate(calls):
        assert [receipt.item_id for receipt in receipts] == [f"{n}-{k}" for k in range(3)]
    assert len(queue.batches) < 40
    assert len(set(queue.item_ids)) == len(queue.item_ids) == 120


async def test_the_same_item_in_two_calls_goes_in_two_requests(tmp_path: Path) -> None:
    queue = ScriptedQueue()
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        await asyncio.gather(*(handoff.deliver("shop", [entry("a")]) for _ in range(5)))
    assert [len(tasks) for _, tasks in queue.batches] == [1] * 5


async def test_a_cancelled_call_does_not_hang_the_rest_of_its_batch(tmp_path: Path) -> None:
    queue = ScriptedQueue()
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        first = asyncio.create_task(handoff.deliver("shop", [entry("first")]))
        await asyncio.sleep(0)
        calls = [asyncio.create_task(handoff.deliver("shop", [entry(str(n))])) for n in range(5)]
        await asyncio.sleep(0)
        calls[1].cancel()
        done = await asyncio.gather(first, *calls, return_exceptions=True)
        assert isinstance(done[2], asyncio.CancelledError)
        assert all(isinstance(receipts, list) for n, receipts in enumerate(done) if n != 2)
        assert (await handoff.deliver("shop", [entry("later")]))[0].status == "created"


async def test_a_queue_that_is_away_fills_the_spool_which_drains_in_order(tmp_path: Path) -> None:
    port = free_port()
    queue = ScriptedQueue()
    async with handing_off(tmp_path, f"http://127.0.0.1:{port}") as handoff:
        for n in range(5):
            (receipt,) = await handoff.deliver("shop", [entry(str(n))])
            assert (receipt.status, receipt.state) == ("created", "open")
        assert spooled(tmp_path) == 5
        async with serve(queue.app(), port):
            await wait_until(lambda: handoff.backlog == 0)
            assert queue.item_ids == [str(n) for n in range(5)]
            await handoff.deliver("shop", [entry("direct")])
            assert queue.item_ids[-1] == "direct"


@pytest.mark.thorough
async def test_a_stalled_queue_costs_one_time_out_not_one_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.router.delivery.handoff._SECONDS", 2.0)

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stall, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    started = asyncio.get_running_loop().time()
    async with server, handing_off(tmp_path, f"http://127.0.0.1:{port}") as handoff:
        await asyncio.gather(*(handoff.deliver("shop", [entry(str(n))]) for n in range(10)))
        for n in range(10, 20):
            await handoff.deliver("shop", [entry(str(n))])
        assert asyncio.get_running_loop().time() - started < 20
        assert spooled(tmp_path) == 20


async def test_other_data_under_a_spooled_id_conflicts_and_nothing_is_kept(tmp_path: Path) -> None:
    async with handing_off(tmp_path, f"http://127.0.0.1:{free_port()}") as handoff:
        await handoff.deliver("shop", [entry("a", 1.0)])
        receipts = await handoff.deliver("shop", [entry("new"), entry("a", 2.0)])
        assert [receipt.status for receipt in receipts] == ["created", "conflict"]
        assert spooled(tmp_path) == 1
        await handoff.deliver("shop", [entry("a", 1.0)])
        assert spooled(tmp_path) == 1


async def test_refused_entries_become_dead_letters_and_block_nothing(tmp_path: Path) -> None:
    port = free_port()
    queue = ScriptedQueue(
        status={"b": {"status": "conflict"}, "c": {"status": "rejected", "detail": "too odd"}}
    )
    async with handing_off(tmp_path, f"http://127.0.0.1:{port}") as handoff:
        await handoff.deliver("shop", [entry(name) for name in "abcd"])
        async with serve(queue.app(), port):
            await wait_until(lambda: handoff.backlog == 0)
    letters = dead_letters(tmp_path)
    assert [letter["cause"] for letter in letters] == ["conflict: ", "rejected: too odd"]
    kept = [Entry.from_line(letter["line"].encode()).item_id for letter in letters]
    assert kept == ["b", "c"]


async def test_of_an_erased_item_nothing_is_kept_and_nothing_is_blocked(tmp_path: Path) -> None:
    port = free_port()
    queue = ScriptedQueue(status={"b": {"status": "rejected", "detail": "erased"}})
    async with handing_off(tmp_path, f"http://127.0.0.1:{port}") as handoff:
        await handoff.deliver("shop", [entry(name) for name in "abc"])
        await handoff.deliver("shop", [entry("b", lane="audit")])
        async with serve(queue.app(), port):
            await wait_until(lambda: handoff.backlog == 0)
            await wait_until(lambda: len(queue.item_ids) == 4)
            await wait_until(lambda: spooled(tmp_path) == spooled(tmp_path / "audits") == 0)
    assert dead_letters(tmp_path) == dead_letters(tmp_path / "audits") == []


async def test_an_entry_that_spoils_its_batch_is_found_and_buried(tmp_path: Path) -> None:
    def script(project: str, tasks: list[Task]) -> Response | None:
        spoiled = any(task["item_id"] == "bad" for task in tasks)
        return Unprocessable([("/tasks", "no")]).response() if spoiled else None

    port = free_port()
    queue = ScriptedQueue(script)
    async with handing_off(tmp_path, f"http://127.0.0.1:{port}") as handoff:
        await handoff.deliver("shop", [entry(name) for name in ("1", "2", "bad", "3", "4")])
        async with serve(queue.app(), port):
            await wait_until(lambda: handoff.backlog == 0)
    assert queue.item_ids == ["1", "2", "3", "4"]
    assert len(dead_letters(tmp_path)) == 1


async def test_tasks_of_a_project_that_the_queue_does_not_know_are_buried(tmp_path: Path) -> None:
    def script(project: str, tasks: list[Task]) -> Response | None:
        return NotFound("no such project").response() if project == "gone" else None

    port = free_port()
    queue = ScriptedQueue(script)
    async with handing_off(tmp_path, f"http://127.0.0.1:{port}") as handoff:
        await handoff.deliver("gone", [entry("a", project="gone")])
        await handoff.deliver("shop", [entry("b")])
        async with serve(queue.app(), port):
            await wait_until(lambda: handoff.backlog == 0)
            with pytest.raises(Unavailable):
                await handoff.deliver("gone", [entry("c", project="gone")])
    assert queue.item_ids == ["b"]
    assert len(dead_letters(tmp_path)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Response(b"<html>not here</html>", 404, media_type="text/html"),
        Response(b"{}", 500),
        Response(b"{}", 401, media_type="application/problem+json"),
        Response(b"{}", 429, media_type="application/problem+json"),
        Response(b'{"tasks":[]}', 200, media_type="application/json"),
        Response(b"not json", 200),
    ],
)
async def test_an_answer_that_says_nothing_is_a_queue_that_is_away(
    tmp_path: Path, answer: Response
) -> None:
    queue = ScriptedQueue(lambda project, tasks: answer)
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        (receipt,) = await handoff.deliver("shop", [entry("a")])
        assert receipt.status == "created"
        assert spooled(tmp_path) == 1
        queue.script = lambda project, tasks: None
        await wait_until(lambda: handoff.backlog == 0)
        assert queue.item_ids == ["a"]
        assert dead_letters(tmp_path) == []


async def test_a_task_that_the_queue_could_never_read_is_too_large(tmp_path: Path) -> None:
    async with handing_off(tmp_path, f"http://127.0.0.1:{free_port()}") as handoff:
        with pytest.raises(BodyTooLarge):
            await handoff.deliver("shop", [entry("a", data={"text": "x" * LIMIT})])
        assert spooled(tmp_path) == 0


async def test_one_refused_call_does_not_spoil_its_neighbours(tmp_path: Path) -> None:
    def script(project: str, tasks: list[Task]) -> Response | None:
        spoiled = any(task["item_id"] == "bad" for task in tasks)
        return Unprocessable([("/tasks", "no")]).response() if spoiled else None

    queue = ScriptedQueue(script)
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        names = ["1", "2", "bad", "3"]
        done = await asyncio.gather(
            *(handoff.deliver("shop", [entry(name)]) for name in names), return_exceptions=True
        )
    assert isinstance(done[2], Unprocessable)
    assert sorted(queue.item_ids) == ["1", "2", "3"]
    assert spooled(tmp_path) == 0


async def test_an_outcome_is_never_a_false_unknown(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # The queue takes no tasks yet: what is spooled stays there.
    queue = ScriptedQueue(lambda project, tasks: Response(b"", 503))
    async with handing_off(tmp_path, url) as handoff:
        await handoff.deliver("shop", [entry("a")])
        assert (await handoff.outcome("shop", "a")).status == "in_review"
        with pytest.raises(QueueUnreachable):
            await handoff.outcome("shop", "b")
        async with serve(queue.app(), port):
            assert (await handoff.outcome("shop", "a")).status == "in_review"
            assert (await handoff.outcome("shop", "b")).status == "unknown"
            queue.outcomes["b"] = NotFound("no such project", project="shop")
            with pytest.raises(Unavailable):
                await handoff.outcome("shop", "b")


@pytest.mark.parametrize("item_id", ["a/b", "..", "x/outcome", "ü?#%", "a b"])
async def test_an_odd_item_id_reaches_the_queue_whole(tmp_path: Path, item_id: str) -> None:
    queue = ScriptedQueue()
    resolved = {"status": "resolved", "label": "x", "source": "human", "revision": 1}
    queue.outcomes[item_id] = {"item_id": item_id, "task_id": "t", "resolved_at": None, **resolved}
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        outcome = await handoff.outcome("shop", item_id)
        assert (outcome.status, outcome.label) == ("resolved", "x")


async def test_concurrent_looks_share_requests_and_get_their_own_outcomes(tmp_path: Path) -> None:
    resolved = {"status": "resolved", "label": "x", "source": "human", "revision": 1}
    queue = ScriptedQueue(
        outcomes={
            str(n): {"item_id": str(n), "task_id": "t", "resolved_at": None, **resolved}
            for n in range(0, 2500, 2)
        }
    )
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        looks = [handoff.outcome("shop", str(n)) for n in range(2500)]
        outcomes = await asyncio.gather(*looks)
    assert [one.item_id for one in outcomes] == [str(n) for n in range(2500)]
    assert [one.status for one in outcomes] == ["resolved", "unknown"] * 1250
    assert [len(item_ids) for item_ids in queue.looks] == [1000, 1000, 500]


async def test_a_cancelled_look_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    queue = ScriptedQueue()
    async with serve(queue.app()) as url, handing_off(tmp_path, url) as handoff:
        looks = [asyncio.create_task(handoff.outcome("shop", str(n))) for n in range(5)]
        await asyncio.sleep(0)
        looks[0].cancel()
        done = await asyncio.gather(*looks, return_exceptions=True)
        assert isinstance(done[0], asyncio.CancelledError)
        assert [one.status for one in done[1:] if isinstance(one, ItemOutcome)] == ["unknown"] * 4
        assert len(queue.looks) == 1


async def test_looks_at_a_queue_that_is_away_all_fail_and_later_ones_succeed(
    tmp_path: Path,
) -> None:
    port = free_port()
    queue = ScriptedQueue()
    async with handing_off(tmp_path, f"http://127.0.0.1:{port}") as handoff:
        looks = [handoff.outcome("shop", str(n)) for n in range(5)]
        done = await asyncio.gather(*looks, return_exceptions=True)
        assert all(isinstance(one, QueueUnreachable) for one in done)
        async with serve(queue.app(), port):
            assert (await handoff.outcome("shop", "a")).status == "unknown"


async def test_no_more_tasks_are_under_way_than_allowed(tmp_path: Path) -> None:
    queue = ScriptedQueue()

    async def call(handoff: Handoff, n: int) -> None:
        await handoff.deliver("shop", [entry(f"{n}-{k}") for k in range(100)])

    async with serve(queue.app()) as url, handing_off(tmp_path, url, 1000) as handoff:
        done = await asyncio.gather(*(call(handoff, n) for n in range(15)), return_exceptions=True)
        assert [type(one) for one in done] == [type(None)] * 10 + [Overloaded] * 5
        assert len(queue.item_ids) == 1000
        await call(handoff, 15)
