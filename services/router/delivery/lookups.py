"""What became of items: the looks of concurrent calls share requests to the review queue."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from services.router.delivery.messages import ItemOutcome
from services.router.delivery.review_queue import ReviewQueue
from shared.contracts.base import MAX_BATCH
from shared.loops import cancel_all

_Answer = asyncio.Task[dict[str, ItemOutcome]]


@dataclass
class _Look:
    """One request that waits for its turn, and that more callers may join meanwhile."""

    item_ids: set[str]
    answer: _Answer


class Lookups:
    """One request a project in flight; the looks that come meanwhile are the next one."""

    def __init__(self, queue: ReviewQueue, *, seconds: float) -> None:
        self._queue = queue
        self._seconds = seconds
        self._next: dict[str, _Look] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._answers: set[_Answer] = set()

    async def outcome(self, project: str, item_id: str) -> ItemOutcome:
        """Ask what became of an item, `unknown` without a task; raises what `outcomes` does."""
        look = self._next.get(project)
        if look is None or len(look.item_ids) == MAX_BATCH:
            look = self._next[project] = self._begin(project)
        look.item_ids.add(item_id)
        # When one caller leaves, the others still want the answer.
        found = await asyncio.shield(look.answer)
        return found.get(item_id) or ItemOutcome(item_id=item_id, status="unknown")

    async def close(self) -> None:
        """Give up what is in flight."""
        await cancel_all(self._answers)

    def _begin(self, project: str) -> _Look:
        item_ids: set[str] = set()
        answer = asyncio.create_task(self._send(project, item_ids))
        self._answers.add(answer)
        answer.add_done_callback(self._settle)
        return _Look(item_ids, answer)

    async def _send(self, project: str, item_ids: set[str]) -> dict[str, ItemOutcome]:
        async with self._turns[project]:
            if project in self._next and self._next[project].item_ids is item_ids:
                del self._next[project]
            found = await self._queue.outcomes(project, list(item_ids), seconds=self._seconds)
        return {outcome.item_id: outcome for outcome in found}

    def _settle(self, answer: _Answer) -> None:
        self._answers.discard(answer)
        if not answer.cancelled():
            # Looked at, for when every caller has left before it failed.
            answer.exception()
