"""From the trainer's documents to deliveries: each change is told once (ADR 15).

The store holds what is so; the database holds what was told of it. A crash between reading and
telling leaves both as they were, and who looks next tells it.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar

import structlog
from obstore.exceptions import BaseError as StoreError
from pydantic import BaseModel, ValidationError

from services.review_queue.tables.webhooks import ToldRow, WebhookRow
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.changes import Documents, Told, catch_up
from services.review_queue.webhooks.events import Event
from shared.contracts.base import new_id
from shared.contracts.versions import Channels, PromiseDocument
from shared.db import Database, Session
from shared.logs import cause_of
from shared.store import Store, channels_path, promise_path

log = structlog.get_logger()

Document = TypeVar("Document", bound=BaseModel)


async def read_documents(store: Store, project: str) -> Documents:
    """Return the project's documents as they are now; one that cannot be understood is as none.

    Raises
    ------
    obstore.exceptions.BaseError, OSError
        The store is away.
    """
    return Documents(
        channels=await _read(store, channels_path(project), Channels),
        promise=await _read(store, promise_path(project), PromiseDocument),
    )


async def _read(store: Store, path: str, kind: type[Document]) -> Document | None:
    try:
        return await store.read_document(path, kind)
    except ValidationError as error:
        log.warning("document_unreadable", path=path, cause=cause_of(error))
        return None


async def read_if_reachable(store: Store, project: str) -> Documents | None:
    """Return the project's documents as they are now; None while the store is away."""
    try:
        return await read_documents(store, project)
    except (StoreError, OSError) as error:
        log.warning("documents_unread", project=project, cause=cause_of(error))
        return None


@dataclass(frozen=True)
class Announcer:
    """Looks at the documents of every project that has a webhook; any number may at once."""

    database: Database
    store: Store
    now: Callable[[], datetime]

    async def look(self) -> int:
        """Write deliveries of what is new; return how many."""
        async with self.database.reading() as session:
            told = await repository.told_by_project(session)
        written = 0
        for project, row in told.items():
            documents = await read_if_reachable(self.store, project)
            if documents is None or not (row is None or _told(row).is_behind(documents)):
                continue
            async with self.database.transaction() as session:
                # The webhooks first, then what they were told: nobody waits in a circle.
                webhooks = await repository.of_project(session, project, lock=True)
                receivers = list(webhooks.values())
                if receivers:
                    written += await tell(session, project, receivers, documents, self.now())
        return written


async def tell(
    session: Session,
    project: str,
    receivers: list[WebhookRow],
    documents: Documents,
    now: datetime,
) -> int:
    """Write deliveries of what `documents` say and `receivers` do not know; return how many.

    With nothing remembered of the project, `documents` are what counts as known. The caller holds
    the project's webhooks.
    """
    row = await repository.told(session, project)
    if row is None:
        known, _ = catch_up(project, Told(), documents, now)
        session.add(ToldRow(project=project, **asdict(known)))
        return 0
    known, events = catch_up(project, _told(row), documents, now)
    row.sqlmodel_update(asdict(known))
    rows = [
        _delivery(webhook, event, now)
        for event in events
        for webhook in receivers
        if webhook.events is None or event.kind in webhook.events
    ]
    await repository.add(session, rows)
    return len(rows)


def _told(row: ToldRow) -> Told:
    return Told(**row.model_dump(exclude={"project"}))


def _delivery(webhook: WebhookRow, event: Event, now: datetime) -> dict[str, object]:
    return {
        "delivery_id": new_id(),
        "webhook_id": webhook.webhook_id,
        "event_id": event.event_id,
        "event": event.stored(),
        "due_at": now,
        "attempts": 0,
    }
