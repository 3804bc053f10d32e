"""Concurrent calls share requests to the review queue: what waits goes together."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.router.delivery.review_queue import QueueAway, QueueRefused, ReviewQueue
from services.router.spool.entries import BATCH_BYTES, Entry, batches
from shared.contracts.base import MAX_BATCH
from shared.contracts.tasks import TaskReceipt
from shared.loops import cancel_all

Found = TypeVar("Found")


@dataclass
class _Call:
    """The tasks of one predict call, and the receipts it waits for."""

    entries: Sequence[Entry]
    receipts: asyncio.Future[list[TaskReceipt]]


class Grouping:
    """One request a project in flight; the calls that come meanwhile are the next one."""

    def __init__(self, queue: ReviewQueue, *, seconds: float) -> None:
        self._queue = queue
        self._seconds = seconds
        self._waiting: dict[str, deque[_Call]] = {}
        self._senders: dict[str, asyncio.Task[None]] = {}

    async def send(self, project: str, entries: Sequence[Entry]) -> list[TaskReceipt]:
        """Hand `entries` over, and return their receipts in order; raises what `post` does."""
        call = _Call(entries, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(project, deque()).append(call)
        if project not in self._senders:
            self._senders[project] = asyncio.create_task(self._run(project))
        return await call.receipts

    async def close(self) -> None:
        """End what is in flight; its calls fail as if the queue were away."""
        await cancel_all(self._senders.values())

    async def _run(self, project: str) -> None:
        waiting = self._waiting[project]
        group: list[_Call] = []
        try:
            while waiting:
                group = _next_group(waiting)
                await self._deliver(project, group)
        except QueueAway as away:
            # Those that still wait would only wait for the same time-out, one after another.
            _fail([*group, *waiting], away)
        except BaseException:
            _fail([*group, *waiting], QueueAway("the hand-off was interrupted"))
            raise
        finally:
            del self._senders[project], self._waiting[project]

    async def _deliver(self, project: str, group: Sequence[_Call]) -> None:
        try:
            receipts = await self._post(project, [e for call in group for e in call.entries])
        except QueueRefused as refusal:
            if len(group) == 1:
                _fail(group, refusal)
                return
            # One call's fault is not its neighbours'.
            for call in group:
                await self._deliver(project, [call])
            return
        for call in group:
            own, receipts = receipts[: len(call.entries)], receipts[len(call.entries) :]
            if not call.receipts.done():
                call.receipts.set_result(own)

    async def _post(self, project: str, entries: Sequence[Entry]) -> list[TaskReceipt]:
        receipts: list[TaskReceipt] = []
        for batch in batches(entries):
            receipts += await self._queue.post(project, batch, seconds=self._seconds)
        return receipts


def _fail(calls: Sequence[_Call], error: Exception) -> None:
    for call in calls:
        if not call.receipts.done():
            call.receipts.set_exception(error)


def _next_group(waiting: deque[_Call]) -> list[_Call]:
    """Take calls from the left while they fit one request and name no item twice."""
    group: list[_Call] = []
    seen: set[str] = set()
    size = 0
    while waiting:
        call = waiting[0]
        items = {entry.task_id for entry in call.entries}
        size += sum(len(entry.body) for entry in call.entries)
        apart = size > BATCH_BYTES or len(seen) + len(items) > MAX_BATCH or seen & items
        if group and apart:
            break
        seen |= items
        group.append(waiting.popleft())
    return [call for call in group if not call.receipts.done()]


class Lookups(Generic[Found]):
    """One request a project in flight; the looks that come meanwhile are the next one.

    `ask` takes a project and up to 1,000 items, and returns what is known, by item.
    """

    def __init__(self, ask: Callable[[str, list[str]], Awaitable[dict[str, Found]]]) -> None:
        self._ask = ask
        # The request that waits for its turn, which more callers may join meanwhile.
        self._next: dict[str, tuple[set[str], asyncio.Task[dict[str, Found]]]] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._answers: set[asyncio.Task[dict[str, Found]]] = set()

    async def find(self, project: str, item_id: str) -> Found | None:
        """Return what is known of an item, None for nothing; raises what `ask` does."""
        if project not in self._next or len(self._next[project][0]) == MAX_BATCH:
            self._next[project] = self._begin(project)
        item_ids, answer = self._next[project]
        item_ids.add(item_id)
        # When one caller leaves, the others still want the answer.
        return (await asyncio.shield(answer)).get(item_id)

    async def close(self) -> None:
        """Give up what is in flight."""
        await cancel_all(self._answers)

    def _begin(self, project: str) -> tuple[set[str], asyncio.Task[dict[str, Found]]]:
        item_ids: set[str] = set()
        answer = asyncio.create_task(self._send(project, item_ids))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        # Looked at, for when every caller has left before it failed.
        answer.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return item_ids, answer

    async def _send(self, project: str, item_ids: set[str]) -> dict[str, Found]:
        async with self._turns[project]:
            if project in self._next and self._next[project][0] is item_ids:
                del self._next[project]
            return await self._ask(project, list(item_ids))
