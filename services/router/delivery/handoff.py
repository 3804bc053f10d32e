"""The hand-off: a task is durable, at the review queue or in the spool, before the answer."""

import contextlib
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.router.delivery.drainer import Drainer
from services.router.delivery.grouping import Grouping, Lookups
from services.router.delivery.messages import ItemOutcome
from services.router.delivery.review_queue import QueueAway, QueueRefused, ReviewQueue
from services.router.metrics import REFUSED
from services.router.problems import Overloaded, QueueUnreachable
from services.router.spool.entries import Entry
from services.router.spool.spool import Spool
from shared.contracts.base import task_id_for
from shared.contracts.tasks import TaskReceipt
from shared.loops import Loop
from shared.problems import BodyTooLarge, Unavailable, Unprocessable

log = structlog.get_logger()

_SECONDS = 2.0
_NOT_FOUND = 404
# Audits of this many seconds go to the review queue together: no client waits for them.
_GATHER_SECONDS = 0.5
# While the spool is emptied a call waits at most this long for its own tasks to be taken: a client
# with one call at a time then goes at the pace of the review queue.
_BEHIND_SECONDS = 0.5
# Room for the envelope around one task in the review queue's body.
_ENVELOPE_BYTES = 64


@dataclass(eq=False)
class Handoff:
    """Tasks to people, and what became of them.

    The circuit is the spool itself: while anything lies in it, tasks go behind it, in order, and
    the drainer alone talks to the review queue.

    Audit tasks always go by a spool of their own, `audits`: their answers need them to be durable,
    and nothing that the review queue could say.
    """

    queue: ReviewQueue
    spool: Spool
    audits: Spool
    body_limit_bytes: int
    max_items: int

    def __post_init__(self) -> None:
        self._drainer = Drainer("spool", self.spool, self.queue)
        self._audit_drainer = Drainer(
            "audits", self.audits, self.queue, gather_seconds=_GATHER_SECONDS
        )
        self._grouping = Grouping(self.queue, seconds=_SECONDS)
        self._lookups = Lookups(self._found)
        self._under_way = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Handoff"]:
        """Open the spool and drain it while the block lasts."""
        await self.spool.open()
        await self.audits.open()
        try:
            async with self._drainer.loop.running(), self._audit_drainer.loop.running():
                yield self
        finally:
            await self._grouping.close()
            await self._lookups.close()
            await self.spool.close()
            await self.audits.close()
            await self.queue.close()

    @property
    def backlog(self) -> int:
        """Number of tasks in the spool."""
        return self.spool.depth

    @property
    def loops(self) -> tuple[Loop, ...]:
        """What empties the spools."""
        return self._drainer.loop, self._audit_drainer.loop

    async def degraded(self) -> dict[str, str]:
        """Say whether tasks wait for a review queue that does not take them, or cannot be kept."""
        found: dict[str, str] = {}
        if self.backlog:
            found["review_queue"] = f"{self.backlog} tasks wait in the spool until it takes them"
        for name, spool in (("spool_disk", self.spool), ("audits_disk", self.audits)):
            if (fault := await spool.fault()) is not None:
                found[name] = fault
        return found

    async def expire_letters(self, now: datetime, retention: Mapping[str, float]) -> None:
        """Drop dead letters of both spools that are older than their project says, in days."""
        await self.spool.expire_letters(now, retention)
        await self.audits.expire_letters(now, retention)

    async def deliver(self, project: str, entries: Sequence[Entry]) -> list[TaskReceipt]:
        """Make `entries` durable; return their receipts in order.

        Raises `BodyTooLarge`, `Unprocessable`: the review queue would never take them;
        `Unavailable`: they could be made durable nowhere, or too many are under way.
        """
        if self._under_way + len(entries) > self.max_items:
            REFUSED.labels("hand-offs").inc()
            raise Overloaded(math.ceil(_SECONDS))
        self._under_way += len(entries)
        try:
            return await self._deliver(project, entries)
        finally:
            self._under_way -= len(entries)

    async def _deliver(self, project: str, entries: Sequence[Entry]) -> list[TaskReceipt]:
        if any(len(entry.body) + _ENVELOPE_BYTES > self.body_limit_bytes for entry in entries):
            raise BodyTooLarge(self.body_limit_bytes)
        audits = [entry for entry in entries if entry.lane == "audit"]
        if not audits:
            return await self._ask(project, entries)
        # Those that may be refused first: a call that fails leaves no audits behind.
        others = [entry for entry in entries if entry.lane != "audit"]
        receipts = {one.task_id: one for one in await self._ask(project, others)} if others else {}
        for receipt in await _kept(self.audits, audits):
            receipts[receipt.task_id] = receipt
        self._audit_drainer.wake()
        return [receipts[entry.task_id] for entry in entries]

    async def _ask(self, project: str, entries: Sequence[Entry]) -> list[TaskReceipt]:
        if self.spool.depth == 0:
            try:
                return await self._grouping.send(project, entries)
            except QueueRefused as refusal:
                raise _problem(refusal) from refusal
            except QueueAway as away:
                log.warning("review_queue_away", cause=str(away))
        receipts = await _kept(self.spool, entries)
        self._drainer.wake()
        if self._drainer.is_gaining:
            # The disk is faster than the queue: without this wait the spool would stay full
            # for ever, and every task would be behind all others.
            await self.spool.until_gone(entries, _BEHIND_SECONDS)
        return receipts

    async def outcome(self, project: str, item_id: str) -> ItemOutcome:
        """Ask what became of an item; never says of one that lies in the spool what is not of it.

        Raises `QueueUnreachable`, `NotFound`.
        """
        waiting = self._waiting(project, item_id)
        try:
            found = await self._lookups.find(project, item_id)
        except (QueueAway, QueueRefused) as error:
            if waiting is not None:
                return waiting[0]
            raise _problem(error) from error
        return _newest(item_id, found, waiting)

    async def outcomes(self, project: str, item_ids: Sequence[str]) -> list[ItemOutcome]:
        """Ask what became of 1 to 1,000 items, in one request; raises as `outcome` does."""
        waiting = {item_id: self._waiting(project, item_id) for item_id in item_ids}
        try:
            found = await self._found(project, list(waiting))
        except (QueueAway, QueueRefused) as error:
            raise _problem(error) from error
        return [_newest(one, found.get(one), waiting[one]) for one in item_ids]

    async def _found(self, project: str, item_ids: list[str]) -> dict[str, ItemOutcome]:
        found = await self.queue.outcomes(project, item_ids, seconds=_SECONDS)
        return {outcome.item_id: outcome for outcome in found}

    def _waiting(self, project: str, item_id: str) -> tuple[ItemOutcome, bytes] | None:
        """Return the outcome of an item in a spool, and the digest of its data.

        To be called before the queue is asked: the spool may be drained in between.
        """
        task_id = task_id_for(project, item_id)
        held = self.spool.held(task_id)
        audit = None if held else self.audits.held(task_id)
        if not (held or audit):
            return None
        lane = "audit" if audit else None
        waiting = ItemOutcome(item_id=item_id, status="in_review", task_id=task_id, lane=lane)
        return waiting, held or audit or b""


def _newest(
    item_id: str, found: ItemOutcome | None, waiting: tuple[ItemOutcome, bytes] | None
) -> ItemOutcome:
    if waiting is not None and (found is None or not found.is_about(waiting[1])):
        return waiting[0]
    return found or ItemOutcome(item_id=item_id, status="unknown")


async def _kept(spool: Spool, entries: Sequence[Entry]) -> list[TaskReceipt]:
    """Make `entries` durable in `spool`, unless it holds other data under the id of one."""
    conflicts = [entry for entry in entries if spool.conflicts(entry)]
    if not conflicts:
        await spool.append(entries)
    return [
        TaskReceipt(
            item_id=entry.item_id,
            task_id=entry.task_id,
            status="conflict" if entry in conflicts else "created",
            state="open",
        )
        for entry in entries
    ]


def _problem(refusal: QueueAway | QueueRefused) -> Unprocessable | Unavailable:
    if isinstance(refusal, QueueAway):
        return QueueUnreachable()
    if refusal.status == _NOT_FOUND:
        return Unavailable("The review queue does not know the project yet; ask again.")
    return Unprocessable([("/items", f"the review queue refused the tasks: {refusal}")])
