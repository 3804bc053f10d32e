"""Projects as use cases: put, patch, preview, archive, read, list."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from obstore.exceptions import BaseError as StoreError
from pydantic import ValidationError

from services.review_queue.activity.actions import RecordedAction
from services.review_queue.activity.recording import record
from services.review_queue.projects import repository
from services.review_queue.projects.editing import archived, created, edited, effect_of, patched
from services.review_queue.projects.messages import (
    ANY_REVISION,
    EditTerms,
    ProjectList,
    ProjectPreview,
    ProjectStatement,
)
from services.review_queue.projects.publishing import ProjectPublisher
from services.review_queue.projects.reading import current_project, project_of
from services.review_queue.tables import ProjectRow
from shared.auth import acting
from shared.contracts.projects import Project, ProjectSpec, Webhook
from shared.contracts.versions import PromiseDocument
from shared.db import Database, Session
from shared.http.lists import page_of
from shared.logs import cause_of
from shared.problems import Conflict, Unavailable
from shared.store import Store, promise_path

log = structlog.get_logger()

# What the service itself sets, where it does.
_UNLESS_NULL = ("rewording", "archived_at")

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
    publisher: ProjectPublisher = field(init=False)

    def __post_init__(self) -> None:
        self.publisher = ProjectPublisher(self.database, self.store, self.now, self.nudge)

    async def put(
        self, name: str, statement: ProjectStatement, terms: EditTerms = ANY_REVISION
    ) -> tuple[Project, bool]:
        """Create or replace a project; return it, and whether it is new, once it is in the store.

        The same statement twice is one revision: a repeated call changes nothing.

        Raises `StaleRevision`: the project is not at the revision that `terms` name; `LabelsInUse`:
        tasks use a label that is removed, and `terms` do not allow it; `Unprocessable`: a webhook's
        secret is not the project's or not to be found here, or its address is not one to send to,
        or more than the wording changes; `Unavailable`: the store is away; the project is kept, and
        reaches the store as soon as it is back.
        """
        register_webhooks = await self.prepare_webhooks(name, statement.webhooks)
        async with self.database.transaction() as session:
            row = await repository.lock(session, name)
            _require_revision(name, row, terms.if_revision)
            is_new = row is None and await self._create(session, name, statement)
            if not is_new:
                row = row or await repository.lock(session, name)
                assert row is not None
                await self._edit(session, row, statement, terms)
            await register_webhooks(session, self.now())
        return await self._published(name), is_new

    async def archive(self, name: str, is_archived: bool) -> Project:
        """Archive a project, or end that; return it once it is in the store.

        Raises `NotFound`, and `Unavailable` as `put` does.
        """
        async with self.database.transaction() as session:
            await current_project(session, name)
            row = await repository.lock(session, name)
            assert row is not None
            before = project_of(row)
            after = archived(before, is_archived, self.now())
            if after is not before:
                _replace(row, after)
                action: RecordedAction = "project.archived" if is_archived else "project.unarchived"
                record(session, action, after.updated_at, project=name, target=str(row.revision))
        return await self._published(name)

    async def _published(self, name: str) -> Project:
        try:
            await self.publisher.publish(name)
        except (StoreError, OSError) as error:
            log.warning("project_publication_failed", project=name, cause=cause_of(error))
            raise Unavailable(
                "The project is kept, but the store is away; it is written there by itself."
            ) from error
        return await self.get(name)

    async def patch(self, name: str, patch: dict[str, Any], terms: EditTerms) -> Project:
        """Change what a merge patch names; return the project once it is in the store.

        Raises what `put` raises, and `NotFound`.
        """
        is_bound = terms.if_revision is not None
        while True:
            project = await self.get(name)
            try:
                statement = patched(project, patch)
                at_it = terms if is_bound else replace(terms, if_revision=project.revision)
                return (await self.put(name, statement, at_it))[0]
            except StaleRevision:
                # Another edit came between: the patch is applied to what that left.
                if is_bound:
                    raise

    async def preview(
        self, name: str, statement: ProjectStatement, terms: EditTerms = ANY_REVISION
    ) -> ProjectPreview:
        """Return what `put` would make of the project and do to its certificates; write nothing.

        Raises what `put` raises; `Unavailable` also while promise.json cannot be read.
        """
        await self.prepare_webhooks(name, statement.webhooks)
        now = self.now()
        async with self.database.reading() as session:
            row = await repository.find(session, name)
            _require_revision(name, row, terms.if_revision)
            before = None if row is None else project_of(row)
            if before is None:
                after = created(name, statement, now)
            else:
                after = edited(before, statement, _actor(), now)
                await _require_unused_labels(session, before, after, terms)
        effect = effect_of(before, after, await self._promise(name), now)
        return ProjectPreview(project=after, effect=effect)

    async def preview_patch(
        self, name: str, patch: dict[str, Any], terms: EditTerms
    ) -> ProjectPreview:
        """Return what `patch` would do; write nothing."""
        statement = patched(await self.get(name), patch)
        return await self.preview(name, statement, terms)

    async def _promise(self, name: str) -> PromiseDocument | None:
        try:
            return await self.store.read_document(promise_path(name), PromiseDocument)
        except (StoreError, OSError) as error:
            log.warning("promise_unread", project=name, cause=cause_of(error))
            raise Unavailable("The store is away; its certificates cannot be read.") from error
        except ValidationError as error:
            # Routers answer nothing by a document that they cannot read.
            log.warning("promise_unreadable", project=name, cause=cause_of(error))
            return None

    async def _create(self, session: Session, name: str, statement: ProjectStatement) -> bool:
        """Insert the project and say so in the log; False if another call has just created it."""
        now = self.now()
        row = ProjectRow(
            name=name,
            spec=_spec(created(name, statement, now)),
            revision=1,
            instructions_revision=1,
            created_at=now,
            updated_at=now,
        )
        if not await repository.insert(session, row):
            return False
        record(session, "project.created", now, project=name, target="1")
        return True

    async def _edit(
        self, session: Session, row: ProjectRow, statement: ProjectStatement, terms: EditTerms
    ) -> None:
        """Let the project be as `statement` says; write that down."""
        before = project_of(row)
        after = edited(before, statement, _actor(), self.now())
        if after is before:
            return
        await _require_unused_labels(session, before, after, terms)
        old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
        _replace(row, after)
        changed = sorted(key for key in ProjectSpec.model_fields if old[key] != new[key])
        detail: dict[str, Any] = {"changed": changed}
        if after.rewording is not None and after.rewording.revision == after.revision:
            detail["wording_only"] = True
        record(
            session,
            "project.replaced",
            row.updated_at,
            project=row.name,
            target=str(row.revision),
            **detail,
        )

    async def get(self, name: str) -> Project:
        """Return one project; `NotFound` when there is none."""
        async with self.database.reading() as session:
            return await current_project(session, name)

    async def page(self, *, after: str, limit: int, only: frozenset[str] | None) -> ProjectList:
        """Return projects by name, those in `only` unless it is None."""
        async with self.database.reading() as session:
            rows = await repository.page(session, after=after, limit=limit + 1, only=only)
        shown, cursor = page_of(rows, limit, lambda row: row.name)
        return ProjectList(projects=[project_of(row) for row in shown], cursor=cursor)


class StaleRevision(Conflict):
    """The project is not at the revision that was to be edited."""


class LabelsInUse(Conflict):
    """Labels are removed that tasks use."""

    kind, title = "labels-in-use", "Tasks use labels that the edit removes"
    advice = (
        "Keep these labels, or add allow_label_removal=true to the query: their votes and "
        "suggestions then no longer count, and resolved items are asked again when they come again."
    )


def _require_revision(name: str, row: ProjectRow | None, if_revision: int | None) -> None:
    if if_revision is not None and (row is None or row.revision != if_revision):
        raise StaleRevision(
            "The project is at another revision; read it and try again.",
            project=name,
            revision=None if row is None else row.revision,
        )


async def _require_unused_labels(
    session: Session, before: Project, after: Project, terms: EditTerms
) -> None:
    removed = set(before.labels) - set(after.labels)
    if not removed or terms.allow_label_removal:
        return
    if uses := await repository.label_uses(session, before.project, removed):
        raise LabelsInUse(project=before.project, labels=uses)


def _actor() -> str | None:
    who = acting()
    return None if who is None else who.subject


def _replace(row: ProjectRow, after: Project) -> None:
    """Let the row hold the project's next revision."""
    # Members that only a later release knows are dropped: one of them might speak for the
    # instructions as they were.
    row.spec = _spec(after)
    row.revision = after.revision
    row.instructions_revision = after.instructions_revision
    row.updated_at = after.updated_at


def _spec(project: Project) -> dict[str, Any]:
    """Return what the row keeps as JSON: all but what has a column."""
    kept = {*ProjectSpec.model_fields, *_UNLESS_NULL}
    spec = project.model_dump(mode="json", include=kept)
    for name in _UNLESS_NULL:
        if spec[name] is None:
            del spec[name]
    return spec
