"""``python -m services restored trainer``: an operator declares that the database was restored."""

from services.trainer.documents.epochs import begin_epochs
from shared.contracts.base import utc_now
from shared.db import Database
from shared.settings import CommonSettings
from shared.store import Store


async def declare_restored(common: CommonSettings, database: Database) -> str:
    """Begin a new epoch of every project's documents; return a sentence for the operator."""
    begun = await begin_epochs(database, Store(common.store_address), utc_now)
    return (
        f"The documents of {len(begun)} projects are in a new epoch: a trainer writes them anew at"
        " its next look, and routers take them for newer than all that they have seen."
    )
