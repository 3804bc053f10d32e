"""Tells callers what became of items."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from services.router.delivery.grouping import Lookups
from services.router.delivery.handoff import Handoff
from services.router.delivery.messages import ItemOutcome
from services.router.outcomes.ledger import Ledger
from services.router.outcomes.messages import ToldOutcome
from services.router.problems import OutcomeUnsettled, TrainerUnreachable
from services.router.waiting.waiters import Left, Waiters
from shared.contracts.decisions import KnownDecision


@dataclass(eq=False)
class Outcomes:
    """The review queue says what reviewers did, and the ledger what the router answered.

    The review queue comes first: its outcome takes the place of an answer. `unknown` is told once
    the ledger has every decision made before the call.
    """

    handoff: Handoff
    waiters: Waiters
    ledger: Ledger

    def __post_init__(self) -> None:
        self._lookups = Lookups(self.ledger.newest)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Outcomes"]:
        """Close the connections at the end of the block."""
        try:
            yield self
        finally:
            await self._lookups.close()
            await self.ledger.close()

    async def of_item(
        self, project: str, item_id: str, wait_seconds: float, left: Left | None
    ) -> ToldOutcome:
        """Tell of one item; wait until it is resolved, if asked to and reviewers have it.

        Raises `QueueUnreachable`, `NotFound`; for an item that reviewers were not asked about
        `TrainerUnreachable`, `OutcomeUnsettled`.
        """
        async with self.waiters.waiting(project, [item_id], wait_seconds, left) as wait:
            found = await self.handoff.outcome(project, item_id)
            if found.status == "unknown" and wait_seconds > 0:
                # What cannot be said now may be known when the wait ends.
                with contextlib.suppress(TrainerUnreachable, OutcomeUnsettled):
                    (told,) = await self._told(project, [found])
                    if told.status in ("answered", "declined"):
                        return told
            wait.tell(found)
            expired = await wait.over()
        found = wait.newest[item_id]
        unheard = expired and wait.unsure and found.status == "in_review"
        if wait_seconds > 0 and (unheard or found.status == "unknown"):
            # What stood when the wait began may no longer stand.
            found = await self.handoff.outcome(project, item_id)
        return (await self._told(project, [found]))[0]

    async def of_items(self, project: str, item_ids: Sequence[str]) -> list[ToldOutcome]:
        """Tell of 1 to 1,000 items, in their order; raises as `of_item` does."""
        return await self._told(project, await self.handoff.outcomes(project, item_ids))

    async def _told(self, project: str, found: Sequence[ItemOutcome]) -> list[ToldOutcome]:
        decisions = await self._decisions(project, [one for one in found if not one.is_final])
        return [ToldOutcome.of(one, decisions.get(one.item_id)) for one in found]

    async def _decisions(
        self, project: str, found: Sequence[ItemOutcome]
    ) -> dict[str, KnownDecision]:
        """Return the newest decisions; all that there are, on items without a task."""
        if not found:
            return {}
        is_unknown = any(one.status == "unknown" for one in found)
        try:
            if len(found) == 1:
                known = await self._lookups.find(project, found[0].item_id)
                decisions = {} if known is None else {known.item_id: known}
            else:
                decisions = await self.ledger.newest(project, [one.item_id for one in found])
            # An audit is of an answer: its row is on the way.
            open_ids = [
                one.item_id
                for one in found
                if one.item_id not in decisions and (one.status == "unknown" or one.is_audit)
            ]
            if open_ids:
                settled = await self.ledger.decisions(project, open_ids, settle=True)
                decisions |= {one.item_id: one for one in settled.decisions}
                unknown = {one.item_id for one in found if one.status == "unknown"}
                if settled.unsettled is not None and unknown - decisions.keys():
                    raise OutcomeUnsettled(settled.unsettled)
        except TrainerUnreachable:
            if is_unknown:
                raise
            return {}
        return decisions
