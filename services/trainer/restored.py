"""What an operator says after a restore of the database: ``python -m services restored``."""

from services.trainer.documents.epochs import begin_epochs
from shared.contracts.base import utc_now
from shared.db import Database
from shared.settings import CommonSettings
from shared.store import Store


async def declare_restored(common: CommonSettings, database: Database) -> str:
    """Begin a new epoch of every project's documents; return what was done, in one sentence."""
    begun = await begin_epochs(database, Store(common.store_address), utc_now)
    return (
        f"The documents of {len(begun)} projects are in a new epoch: a trainer writes them anew at"
        " its next look, and routers take them for newer than all that they have seen."
    )
