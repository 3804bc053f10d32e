"""Who waits for which items, and what they have been told. Bookkeeping alone: no I/O."""

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Iterator

from services.router.delivery.messages import ItemOutcome
from services.router.metrics import WAITERS


class Wait:
    """One call that waits for items of a project.

    It is over once every item is resolved, at its deadline (the loop's time), or when it is ended.
    `open` are those of its `item_ids` that are not resolved, `newest` is the newest that is known
    of each item. `unsure` says that the review queue may know
    more than the feed will tell: it is to be asked about the open items once it can be.
    """

    def __init__(self, item_ids: Collection[str], deadline: float) -> None:
        self.newest: dict[str, ItemOutcome] = {}
        self.unsure = False
        self.item_ids = frozenset(item_ids)
        self.open = set(item_ids)
        self._deadline = deadline
        self._ended = False
        self._expired = False
        self._woken = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Say whether nothing is left to wait for."""
        return self._ended or not self.open

    def tell(self, outcome: ItemOutcome) -> None:
        """Take what became of an item, unless it is not of the wait or a later revision is known.

        An item that was opened again is waited for again.
        """
        item_id = outcome.item_id
        known = self.newest.get(item_id)
        late = known is not None and (known.revision or 0) > (outcome.revision or 0)
        if late or item_id not in self.item_ids:
            return
        self.newest[item_id] = outcome
        if outcome.status in {"resolved", "erased"}:
            self.open.discard(item_id)
        else:
            self.open.add(item_id)
        if not self.open:
            self._woken.set()

    def end(self) -> None:
        """Let it be over now, as things stand."""
        self._ended = True
        self._woken.set()

    async def over(self) -> bool:
        """Wait until it is over; say whether that was for its deadline."""
        timer = asyncio.get_running_loop().call_at(self._deadline, self._expire)
        try:
            while not self.is_over:
                # An item may be opened again before this runs: it is waited for again, then.
                self._woken.clear()
                await self._woken.wait()
        finally:
            timer.cancel()
        return self._expired

    async def outcomes(self, item_ids: Collection[str]) -> dict[str, ItemOutcome]:
        """Wait for `item_ids` alone, some of its items; return what is known of them by then."""
        self.item_ids = frozenset(item_ids)
        self.open &= self.item_ids
        await self.over()
        return {item_id: self.newest[item_id] for item_id in item_ids if item_id in self.newest}

    def _expire(self) -> None:
        self._expired = not self.is_over
        self.end()


class Waits:
    """All waits of this replica, by project and item; at most `limit` items are waited for."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._ended = False
        self._projects: dict[str, dict[str, set[Wait]]] = {}

    @contextlib.contextmanager
    def waiting(self, project: str, item_ids: Collection[str], seconds: float) -> Iterator[Wait]:
        """Give a wait of `seconds` that is told of `item_ids` while the block lasts.

        It is over at once without time, beyond the limit, and after `end`.
        """
        wait = Wait(item_ids, asyncio.get_running_loop().time() + seconds)
        registered = wait.item_ids
        if seconds <= 0 or self._ended or self._count + len(registered) > self._limit:
            wait.end()
        if wait.is_over:
            yield wait
            return
        by_item = self._projects.setdefault(project, {})
        for item_id in registered:
            by_item.setdefault(item_id, set()).add(wait)
        self._add(len(registered))
        try:
            yield wait
        finally:
            for item_id in registered:
                by_item[item_id].discard(wait)
                if not by_item[item_id]:
                    del by_item[item_id]
            if not by_item:
                del self._projects[project]
            self._add(-len(registered))

    def any(self, project: str) -> bool:
        """Say whether a call waits for items of `project`."""
        return project in self._projects

    def of(self, project: str) -> set[Wait]:
        """Return the waits for items of `project`."""
        return set().union(*self._projects.get(project, {}).values())

    def awaited(self, project: str, outcomes: Iterable[ItemOutcome]) -> dict[str, ItemOutcome]:
        """Return those of `outcomes` that a call waits for, the last of each item."""
        by_item = self._projects.get(project, {})
        return {one.item_id: one for one in outcomes if one.item_id in by_item}

    def tell(self, project: str, outcomes: Iterable[ItemOutcome]) -> None:
        """Tell everybody who waits for them what became of items."""
        by_item = self._projects.get(project, {})
        for outcome in outcomes:
            for wait in by_item.get(outcome.item_id, ()):
                wait.tell(outcome)

    def end(self) -> None:
        """End all waits, and those to come, as things stand."""
        self._ended = True
        for project in self._projects:
            for wait in self.of(project):
                wait.end()

    def _add(self, count: int) -> None:
        self._count += count
        WAITERS.inc(count)
