"""``python -m services restored trainer``: an operator declares that the database was restored.

It is needed after a restore that the store does not show, and after the loss of a database.
"""

from collections.abc import Callable
from datetime import datetime

import structlog
from pydantic import ValidationError

from services.trainer.documents.ordering import next_epoch
from services.trainer.projects.repository import locking
from services.trainer.projects.service import work_bell
from shared.contracts.base import utc_now
from shared.contracts.versions import PromiseDocument
from shared.db import Database
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import Store, promise_path

log = structlog.get_logger()


async def declare_restored(common: CommonSettings, database: Database) -> str:
    """Begin a new epoch of every project's documents; return a sentence for the operator."""
    begun = await begin_epochs(database, Store(common.store_address), utc_now)
    async with Doorbells(common.redis_url).listening() as bells:
        await bells.ring(*map(work_bell, begun))
    return (
        f"The documents of {len(begun)} projects are in a new epoch: a trainer writes them anew at"
        " its next look, and routers take them for newer than all that they have seen."
    )


async def begin_epochs(
    database: Database, store: Store, now: Callable[[], datetime]
) -> dict[str, int]:
    """Let the documents of every published project belong to this database from now on.

    A running trainer writes them anew at its next look, later than all that routers have seen. A
    trainer with another database then leaves them alone.

    Returns
    -------
    The new epoch of each project; those whose promise.json is malformed are left out.
    """
    begun = {}
    for name in await store.folders():
        try:
            stored = await store.read_document(promise_path(name), PromiseDocument)
        except ValidationError as error:
            path, faults = promise_path(name), error.error_count()
            log.warning("epoch_not_begun", project=name, malformed=path, faults=faults)
            continue
        if stored is None:
            continue
        async with locking(database, name) as (_, state):
            state.epoch = next_epoch(state.epoch, stored.epoch, now())
            begun[name] = state.epoch
        log.info("epoch_begun", project=name, epoch=begun[name], before=stored.epoch)
    return begun
