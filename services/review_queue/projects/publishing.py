"""Publishing projects: project.json in the store, the bell, the index and the feed of changes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from pydantic import ValidationError

from services.review_queue.projects import repository
from services.review_queue.projects.reading import stored_document
from services.review_queue.repository.epochs import documents_epoch
from services.review_queue.tables import OutboxRow
from shared import outbox
from shared.contracts.projects import Project
from shared.db import Database
from shared.doorbells import project_bell
from shared.store import Store, project_path
from shared.store_index import IndexWriter

_COMPLETE_SECONDS = 300.0


@dataclass
class ProjectPublisher:
    """Writes each revision of a project to the store."""

    database: Database
    store: Store
    now: Callable[[], datetime]
    nudge: Callable[[], None]
    index: IndexWriter = field(init=False)
    _compared_losses: int = -1
    _complete_at: float = 0.0

    def __post_init__(self) -> None:
        self.index = IndexWriter(self.store, "review_queue")

    async def publish(self, name: str, *, is_lost: bool = False) -> None:
        """Write the project's newest revision to the store, then ring its bell.

        A revision that was published before is left alone, unless the store has lost it.
        """
        async with self.database.transaction() as session:
            # The lock is held while the store is written: an older revision never lands last.
            row = await repository.lock_name(session, name)
            if row is None or (row.published_revision == row.revision and not is_lost):
                return
            epoch = await documents_epoch(session)
            document = stored_document(row) | {"epoch": epoch, "writer": 0}
            await self.store.write(project_path(name), orjson.dumps(document))
            row.published_revision = row.revision
            repository.record_change(session, name, row.revision, self.now())
            outbox.add(session, OutboxRow, project_bell(name))
        self.index.note(project_path(name), epoch, row.revision)
        self.nudge()

    async def publish_behind(self) -> None:
        """Publish what a crash or an absent store left behind.

        The first time, and once the store was restored, compare all that the store has.
        """
        losses = self.index.losses
        is_compared = losses == self._compared_losses
        async with self.database.reading() as session:
            behind = set(await repository.unpublished(session))
            compared = [] if is_compared else await repository.revisions(session)
        lost = {
            row.name for row in compared if await self._stored(row.name) < row.published_revision
        }
        for name in sorted(behind | lost):
            await self.publish(name, is_lost=name in lost)
        self._compared_losses = losses
        if time.monotonic() >= self._complete_at:
            await self._complete()
            self.index.check()
            self._complete_at = time.monotonic() + _COMPLETE_SECONDS

    async def _complete(self) -> None:
        """Put into index and feed of changes what a crash, or the release before, left out."""
        async with self.database.transaction() as session:
            await repository.record_missing_changes(session, self.now())
            epoch = await documents_epoch(session)
            rows = await repository.revisions(session)
        for row in rows:
            if row.published_revision > 0:
                self.index.note(project_path(row.name), epoch, row.published_revision)

    async def _stored(self, name: str) -> int:
        try:
            document = await self.store.read_document(project_path(name), Project)
        except ValidationError:
            return 0
        return 0 if document is None else document.revision
