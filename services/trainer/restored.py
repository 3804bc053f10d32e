"""``python -m services restored trainer``: an operator declares that the database was restored."""

from services.trainer.documents.epochs import begin_epochs
from services.trainer.projects.service import work_bell
from shared.contracts.base import utc_now
from shared.db import Database
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import Store


async def declare_restored(common: CommonSettings, database: Database) -> str:
    """Begin a new epoch of every project's documents; return a sentence for the operator."""
    begun = await begin_epochs(database, Store(common.store_address), utc_now)
    async with Doorbells(common.redis_url).listening() as bells:
        await bells.ring(*map(work_bell, begun))
    return (
        f"The documents of {len(begun)} projects are in a new epoch: a trainer writes them anew at"
        " its next look, and routers take them for newer than all that they have seen."
    )
