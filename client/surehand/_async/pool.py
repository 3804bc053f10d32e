"""The pool: unlabelled items, to choose from for labelling."""

from collections.abc import Iterable
from typing import Any

from surehand import endpoints as e
from surehand._async.encoding import encoded_items
from surehand._async.pages import AsyncGroup
from surehand.items import batches
from surehand.models.base import RejectedLine
from surehand.models.training import BatchReceipt, PoolCounts, PoolImport

_CALL_ITEMS = 5000


class AsyncPool(AsyncGroup):
    """`client.pool`: add unlabelled items, and ask for their labels."""

    async def add(self, project: str, items: Iterable[Any]) -> PoolImport:
        """Add items, in any form that `predict` takes; adding one again changes nothing.

        Many are sent in several calls. `rejected` names the bad ones by their place, from 1, and
        what is wrong; the others are added.
        """
        imported = duplicates = refused = sent = 0
        rejected: list[RejectedLine] = []
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
            sent += len(batch)
        return PoolImport(
            imported=imported, duplicates=duplicates, rejected_count=refused, rejected=rejected
        )

    async def counts(self, project: str) -> PoolCounts:
        """Count the items by state."""
        return await self._http.ask(e.POOL_COUNTS, {"project": project})

    async def request_labels(
        self, project: str, size: int, *, strategy: str = "random"
    ) -> BatchReceipt:
        """Ask reviewers about the next `size` items."""
        body = {"strategy": strategy, "size": size}
        return await self._http.ask(e.ASK_POOL, {"project": project}, json=body)
