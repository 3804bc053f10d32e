"""What an operator says after a restore of the database: ``python -m services restored``."""

from services.review_queue.lifecycle.outcomes.restores import Restores
from shared.contracts.base import utc_now
from shared.db import Database
from shared.settings import CommonSettings
from shared.store import Store


async def declare_restored(common: CommonSettings, database: Database) -> str:
    """Begin a new epoch of the outcomes feed; return what was done, in one sentence."""
    epoch = await Restores(database, Store(common.store_address), utc_now).begin()
    return f"The outcomes feed is in epoch {epoch}: its readers read it again from its start."
