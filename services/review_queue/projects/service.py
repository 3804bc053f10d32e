"""Projects as use cases: put, read, list, publish."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import structlog
from obstore.exceptions import BaseError as StoreError
from pydantic import ValidationError

from services.review_queue.activity.recording import record
from services.review_queue.projects import repository
from services.review_queue.projects.messages import ProjectList
from services.review_queue.repository.epochs import documents_epoch
from services.review_queue.repository.projects import require_project
from services.review_queue.tables import OutboxRow, ProjectRow
from shared import outbox
from shared.contracts.base import from_stored, rfc3339
from shared.contracts.projects import Project, ProjectSpec, Webhook
from shared.db import Database, Row, Session
from shared.doorbells import project_bell
from shared.http.lists import page_of
from shared.logs import cause_of
from shared.problems import Conflict, Unavailable
from shared.store import Store, project_path
from shared.store_index import IndexWriter

log = structlog.get_logger()

_COMPLETE_SECONDS = 300.0


async def current_project(session: Session, name: str) -> Project:
    """Return the project as it stands; `NotFound` when there is none."""
    return _document(await require_project(session, name))


# Registers the webhooks that a project states, in the project's transaction.
Registration = Callable[[Session, datetime], Awaitable[None]]
PrepareWebhooks = Callable[[str, Sequence[Webhook]], Awaitable[Registration]]


@dataclass
class ProjectService:
    """What operators state about their decision problems."""

    database: Database
    store: Store
    now: Callable[[], datetime]
    nudge: Callable[[], None]
    prepare_webhooks: PrepareWebhooks
    index: IndexWriter = field(init=False)
    _compared_losses: int = -1
    _complete_at: float = 0.0

    def __post_init__(self) -> None:
        self.index = IndexWriter(self.store, "review_queue")

    async def put(
        self, name: str, spec: ProjectSpec, if_revision: int | None
    ) -> tuple[Project, bool]:
        """Create or replace a project; return it, and whether it is new, once it is in the store.

        The same statement twice is one revision: a repeated call changes nothing.

        Raises `Conflict`: `if_revision` is given, and the project is not at it; `Unprocessable`: A
        webhook's secret is not the project's or not to be found here, or its address is not one to
        send to; `Unavailable`: the store is away; the project is kept, and reaches the store as
        soon as it is back.
        """
        register_webhooks = await self.prepare_webhooks(name, spec.webhooks)
        async with self.database.transaction() as session:
            row = await repository.lock(session, name)
            if if_revision is not None and (row is None or row.revision != if_revision):
                raise Conflict(
                    "The project is at another revision; read it and try again.",
                    project=name,
                    revision=None if row is None else row.revision,
                )
            created = row is None and await repository.insert(session, self._new(name, spec))
            row = row or await repository.lock(session, name)
            assert row is not None
            self._state(session, row, None if created else spec)
            await register_webhooks(session, self.now())
        try:
            await self.publish(name)
        except (StoreError, OSError) as error:
            log.warning("project_publication_failed", project=name, cause=cause_of(error))
            raise Unavailable(
                "The project is kept, but the store is away; it is written there by itself."
            ) from error
        return await self.get(name), created

    def _new(self, name: str, spec: ProjectSpec) -> ProjectRow:
        now = self.now()
        return ProjectRow(
            name=name,
            spec=spec.model_dump(mode="json"),
            revision=1,
            instructions_revision=1,
            created_at=now,
            updated_at=now,
        )

    def _state(self, session: Session, row: ProjectRow, spec: ProjectSpec | None) -> None:
        """Let the project be as `spec` says, unless it is new and so already; write that down."""
        if spec is None:
            record(session, "project.created", self.now(), project=row.name, target="1")
            return
        stated = spec.model_dump(mode="json")
        if stated == row.spec:
            return
        if stated["instructions"] != row.spec["instructions"]:
            row.instructions_revision += 1
        changed = sorted(key for key in stated if stated[key] != row.spec.get(key))
        row.spec = stated
        row.revision += 1
        row.updated_at = self.now()
        record(
            session,
            "project.replaced",
            row.updated_at,
            project=row.name,
            target=str(row.revision),
            changed=changed,
        )

    async def publish(self, name: str) -> None:
        """Write the project's newest revision to the store, then ring its bell."""
        async with self.database.transaction() as session:
            # The lock is held while the store is written: an older revision never lands last.
            row = await repository.lock(session, name)
            if row is None:
                return
            epoch = await documents_epoch(session)
            document = _stored(row) | {"epoch": epoch, "writer": 0}
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
        behind |= {row.name for row in compared if await self._stored(row.name) < row.revision}
        for name in sorted(behind):
            await self.publish(name)
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

    async def get(self, name: str) -> Project:
        """Return one project; `NotFound` when there is none."""
        async with self.database.reading() as session:
            return await current_project(session, name)

    async def page(self, *, after: str, limit: int, only: frozenset[str] | None) -> ProjectList:
        """Return projects by name, those in `only` unless it is None."""
        async with self.database.reading() as session:
            rows = await repository.page(session, after=after, limit=limit + 1, only=only)
        shown, cursor = page_of(rows, limit, lambda row: row.name)
        return ProjectList(projects=[_document(row) for row in shown], cursor=cursor)


def _document(row: ProjectRow | Row) -> Project:
    return from_stored(Project, _stored(row))


def _stored(row: ProjectRow | Row) -> dict[str, Any]:
    """Return project.json, with what only a later release than this one knows of the project."""
    return {
        **row.spec,
        "project": row.name,
        "revision": row.revision,
        "instructions_revision": row.instructions_revision,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }
