"""From the trainer's documents to deliveries: each change is announced once (ADR 15).

The store holds the documents, the database what was announced of them. After a crash between
reading and announcing both are as they were, and the next look announces the change.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TypeVar

import structlog
from obstore.exceptions import BaseError as StoreError
from pydantic import BaseModel, ValidationError

from services.review_queue.tables.webhooks import ToldRow, WebhookRow
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.changes import Announced, TrainerDocuments, catch_up
from shared.contracts.versions import Channels, PromiseDocument
from shared.db import Database, Session
from shared.logs import cause_of
from shared.store import Store, channels_path, promise_path
from shared.store_index import IndexReader, index_of

log = structlog.get_logger()

_TRAINER = "trainer"

Document = TypeVar("Document", bound=BaseModel)


async def read_documents(store: Store, project: str) -> TrainerDocuments | None:
    """Return the project's documents as they are now; None while the store is away.

    One that cannot be understood is as none.
    """
    try:
        return TrainerDocuments(
            channels=await _read(store, channels_path(project), Channels),
            promise=await _read(store, promise_path(project), PromiseDocument),
        )
    except (StoreError, OSError) as error:
        log.warning("documents_unread", project=project, cause=cause_of(error))
        return None


async def _read(store: Store, path: str, kind: type[Document]) -> Document | None:
    try:
        return await store.read_document(path, kind)
    except ValidationError as error:
        log.warning("document_unreadable", path=path, cause=cause_of(error))
        return None


@dataclass
class Announcer:
    """Looks at new documents of projects that have a webhook; any number may at once.

    `owed` are the projects whose documents have changed and could not be read yet.
    """

    database: Database
    store: Store
    now: Callable[[], datetime]
    owed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._index = IndexReader(self.store, index_of(_TRAINER))

    async def look(self) -> int:
        """Announce new documents; return how many deliveries were written."""
        async with self.database.reading() as session:
            announced = await repository.announced_by_project(session)
        look = await self._index.look()
        self.owed |= {path.partition("/")[0] for path in look.changed}
        written = 0
        for project, row in announced.items():
            # A trainer of the release before keeps no index.
            if not (row is None or project in self.owed or not look.has(_TRAINER)):
                continue
            documents = await read_documents(self.store, project)
            if documents is None:
                continue
            self.owed.discard(project)
            if row is not None:
                known = _announced(row)
                if catch_up(project, known, documents, self.now())[0] == known:
                    continue
            async with self.database.transaction() as session:
                # The webhooks are locked before what was announced, as everywhere: no deadlock.
                webhooks = await repository.of_project(session, project, lock=True)
                receivers = list(webhooks.values())
                if receivers:
                    written += await announce(session, project, receivers, documents, self.now())
        return written


async def announce(
    session: Session,
    project: str,
    receivers: list[WebhookRow],
    documents: TrainerDocuments,
    now: datetime,
) -> int:
    """Write deliveries of what is new in `documents` to `receivers`; return how many.

    Of a project without an earlier announcement `documents` count as known. The caller has locked
    the project's webhooks.
    """
    row = await session.get(ToldRow, project, with_for_update=True)
    if row is None:
        known, _ = catch_up(project, Announced(), documents, now)
        session.add(ToldRow(project=project, **asdict(known)))
        return 0
    known, events = catch_up(project, _announced(row), documents, now)
    row.sqlmodel_update(asdict(known))
    rows = [
        {"webhook_id": webhook.webhook_id, "event_id": event.event_id, "event": event.stored()}
        for event in events
        for webhook in receivers
        if webhook.events is None or event.kind in webhook.events
    ]
    await repository.add_deliveries(session, now, rows)
    return len(rows)


def _announced(row: ToldRow) -> Announced:
    return Announced(**row.model_dump(exclude={"project"}))
