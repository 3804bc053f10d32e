"""Delete decisions, and populations of them, that are older than their project keeps them."""

import asyncio
from datetime import date, timedelta

from obstore.exceptions import BaseError as StoreError

from services.trainer.ledger import repository
from services.trainer.ledger.days import repository as days_repository
from services.trainer.projects.repository import read_state
from services.trainer.resources import Resources
from shared.contracts.projects import Project
from shared.db import DatabaseFault
from shared.loops import Loop

BATCH = 2_000
"""At most so many rows are deleted in one transaction."""
_REST_SECONDS = 3600.0
# Other writers get their turn between two batches.
_PAUSE_SECONDS = 0.1


class LedgerRetention:
    """Deletes, once an hour, what the projects of this trainer no longer keep."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        expected = (DatabaseFault, StoreError, OSError)
        self.loop = Loop("ledger_retention", self._turn, self._rest, expected=expected)

    async def _turn(self) -> None:
        for name in self._resources.leases.held():
            project = await self._resources.projects.last(name)
            while project is not None and await delete_expired(self._resources, project):
                self.loop.advance()
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _rest(self) -> None:
        await asyncio.sleep(_REST_SECONDS if self._resources.leases.held() else 2.0)


async def delete_expired(resources: Resources, project: Project) -> bool:
    """Delete one batch of decisions older than `retention_days`; say whether more may be left.

    The mark of a file that was read goes once no reading lists the file's day any longer.
    """
    name, oldest = project.project, resources.now() - timedelta(days=project.retention_days)
    async with resources.database.transaction() as session:
        rows = await repository.delete_expired(session, name, oldest, BATCH)
        await repository.forget_populations(session, name, oldest)
        await days_repository.forget(session, name, oldest.date().isoformat())
        state = await read_state(session, name)
        files = 0
        if state is not None and state.ledger_day is not None:
            day = min(_day_before(state.ledger_day), oldest.date().isoformat())
            files = await repository.forget_files(session, name, day, BATCH)
    return max(rows, files) == BATCH


def _day_before(day: str) -> str:
    """Return the oldest day that is still listed; a folder that is no day keeps all marks."""
    try:
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    except ValueError:
        return ""
