"""The pool: unlabelled items, to choose from for labelling."""

from collections.abc import Iterable, Sequence
from typing import Any

from surehand import endpoints as e
from surehand._async.encoding import encoded_items
from surehand._async.pages import AsyncGroup, AsyncPages
from surehand.items import batches
from surehand.models.base import RejectedLine
from surehand.models.labelling import (
    Batch,
    Labelling,
    LearningCurve,
    PooledItem,
    RemovedItem,
)
from surehand.models.training import DuplicateLine, PoolCounts, PoolImport
from surehand.retries import keyed

_CALL_ITEMS = 5000
_SHOWN = 1000


class AsyncPool(AsyncGroup):
    """`client.pool`: add unlabelled items, and ask for their labels."""

    async def add(self, project: str, items: Iterable[Any]) -> PoolImport:
        """Add items, in any form that `predict` takes; adding one again changes nothing.

        Many are sent in several calls. `rejected` names the bad ones by their place, from 1, and
        what is wrong; the others are added. `duplicates_shown` likewise says of
        up to a thousand duplicates which item of the pool they repeat.
        """
        imported = duplicates = refused = sent = 0
        rejected: list[RejectedLine] = []
        twice: list[DuplicateLine] = []
        for batch in batches(await encoded_items(self._http, project, items), _CALL_ITEMS):
            report = await self._http.ask(
                e.ADD_TO_POOL,
                {"project": project},
                content=b"\n".join(item.text for item in batch),
                headers={"Content-Type": "application/x-ndjson"},
            )
            imported += report.imported
            duplicates += report.duplicates
            refused += report.rejected_count
            rejected += [
                RejectedLine(line=sent + one.line, detail=one.detail) for one in report.rejected
            ]
            twice += [
                one.model_copy(update={"line": sent + one.line})
                for one in report.duplicates_shown[: _SHOWN - len(twice)]
            ]
            sent += len(batch)
        return PoolImport(
            imported=imported,
            duplicates=duplicates,
            duplicates_shown=twice,
            rejected_count=refused,
            rejected=rejected,
        )

    async def counts(self, project: str) -> PoolCounts:
        """Count the items by state."""
        return await self._http.ask(e.POOL_COUNTS, {"project": project})

    async def request_labels(
        self, project: str, size: int, *, strategy: str = "random", key: str | None = None
    ) -> Batch:
        """Ask reviewers about `size` more items.

        Parameters
        ----------
        strategy
            `random`, or what teaches a model most: `typiclust` (typical items of groups without
            labels), `margin` (items that the champion is unsure of), `auto` (the first until there
            is a champion, then the second).
        key
            Repeating a request with the same key gives the same batch.
        """
        body = {"strategy": strategy, "size": size}
        names, headers = {"project": project}, keyed(key)
        return await self._http.ask(e.ASK_POOL, names, json=body, headers=headers)

    def batches(self, project: str) -> AsyncPages[Batch]:
        """List the batches that reviewers were asked about, newest first."""
        return AsyncPages(self._http, e.BATCHES, {"project": project})

    def items(self, project: str, *, state: str = "waiting") -> AsyncPages[PooledItem]:
        """List the items of one state: waiting, reserved, asked, passed, answered or refused."""
        return AsyncPages(self._http, e.POOL_ITEMS, {"project": project}, {"state": state})

    async def remove(self, project: str, item_ids: Sequence[str]) -> list[RemovedItem]:
        """Remove items that reviewers were not asked about; say of each what became of it."""
        found: list[RemovedItem] = []
        for start in range(0, len(item_ids), _SHOWN):
            body = {"item_ids": list(item_ids[start : start + _SHOWN])}
            answer = await self._http.ask(e.REMOVE_FROM_POOL, {"project": project}, json=body)
            found += answer.items
        return found

    async def labelling(self, project: str) -> Labelling:
        """Return what is missing before training, or what the next batch waits for."""
        return await self._http.ask(e.LABELLING, {"project": project})

    async def learning_curve(self, project: str) -> LearningCurve:
        """Return accuracy against labels, version by version, and whether to go on."""
        return await self._http.ask(e.LEARNING_CURVE, {"project": project})
