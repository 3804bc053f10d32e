"""The pool as the population of a certification: a uniform draw in its own random order.

The population is all that waits, as long as batches were drawn at random. Once a strategy has
chosen any, it is the reserve alone: the share of the import that a key has set aside, and that no
strategy has looked at.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.trainer.pool import repository as pool
from services.trainer.promise import repository
from services.trainer.promise.near_copies import NearCopies
from services.trainer.promise.planning import CertificationPlan
from services.trainer.promise.population import (
    DrawRequest,
    Insufficient,
    PopulationDraw,
    PopulationItem,
    draw_items,
    in_region,
    plan_on,
    score_candidates,
)
from services.trainer.promise.sampling import POOL_ORDER
from services.trainer.tables import PoolItem
from shared.contracts.items import check_data

_POOL_SAMPLE = 20_000
_PAGE = 2_000


class _Unseen:
    """Finds the pool's items that the version has learned nothing about.

    Left out are copies and near-copies of what trained it: on these it looks better than it is on
    traffic, where new texts come. Traffic itself keeps them, since clients send them again.
    """

    def __init__(self, request: DrawRequest) -> None:
        fields = request.project.fields
        self._fields = fields
        self._texts = [name for name, field in fields.items() if field.type == "text"]
        self._hashes = {item.content_hash for item in request.trained_on}
        # Without text there is nothing that could be nearly the same.
        trained_on = request.trained_on if self._texts else ()
        self._known = NearCopies([self._text(item.data) for item in trained_on])
        self.left_out = 0

    def among(self, page: Sequence[PoolItem]) -> list[PopulationItem]:
        """Return those of the page's items; they fit the project as it is now."""
        fit = [
            item
            for item in page
            if item.content_hash not in self._hashes and not check_data(item.data, self._fields)
        ]
        copies = self._known.among([self._text(item.data) for item in fit])
        self.left_out += sum(copies)
        return [
            PopulationItem(item.item_id, item.data, item.item_metadata, item.order_key)
            for item, is_copy in zip(fit, copies, strict=True)
            if not is_copy
        ]

    def _text(self, data: Mapping[str, Any]) -> str:
        return "\n".join(str(data[name]) for name in self._texts if data.get(name) is not None)


async def draw_from_pool(request: DrawRequest) -> PopulationDraw | Insufficient:
    """Draw in the pool's random order, if it holds enough items in the region."""
    name = request.project.project
    async with request.resources.database.reading() as session:
        states = await pool.uniform_states(session, name)
        page = await pool.in_states(session, name, _POOL_SAMPLE, states=states)
    unseen = await asyncio.to_thread(_Unseen, request)
    usable = await asyncio.to_thread(unseen.among, page)
    left_out = f" ({unseen.left_out} near-copies of training items left out)"
    kind = "wait" if "waiting" in states else "are in reserve"
    shortage = f"the pool has {{}} items that {kind}" + (left_out if unseen.left_out else "")
    planned = await plan_on(request, usable, shortage)
    if isinstance(planned, Insufficient):
        return planned
    scored, plan = planned
    async with request.resources.database.reading() as session:
        spent = await repository.drawn_before(session, name)
    walk = _Walk(request, unseen, plan, spent, states)
    walked, found = await walk.until_enough(page, scored)
    drawn = draw_items("pool", walked, plan, seed=POOL_ORDER, spent=spent)
    if drawn is None:
        return Insufficient(f"the pool has {found} of them")
    drawn.record["near_copies_left_out"] = unseen.left_out
    return replace(drawn, passed_up_to=drawn.items[-1].order_key)


@dataclass(frozen=True)
class _Walk:
    """A walk through the pool's order, over the items of some states."""

    request: DrawRequest
    unseen: _Unseen
    plan: CertificationPlan
    spent: set[str]
    states: Sequence[str]

    async def until_enough(
        self, page: Sequence[PoolItem], scored: list[PopulationItem]
    ) -> tuple[list[PopulationItem], int]:
        """Walk from a scored page on until the region has enough items, or the pool ends.

        Return all that was scored, and how many of these may be drawn.
        """
        request, walked, found = self.request, list[PopulationItem](), 0
        while page:
            walked += scored
            inside = in_region(scored, self.plan)
            found += sum(item.item_id not in self.spent for item in inside)
            if found >= request.labels:
                break
            async with request.resources.database.reading() as session:
                page = await pool.in_states(
                    session, request.project.project, _PAGE, page[-1].order_key, self.states
                )
            usable = await asyncio.to_thread(self.unseen.among, page)
            scored = await score_candidates(request, usable)
        return walked, found
