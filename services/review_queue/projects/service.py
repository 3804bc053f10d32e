"""Projects as use cases: put, patch, preview, archive, read, list."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from obstore.exceptions import BaseError as StoreError
from pydantic import ValidationError

from services.review_queue.activity.messages import RecordedAction
from services.review_queue.activity.recording import record
from services.review_queue.projects import repository
from services.review_queue.projects.changes import changes_between
from services.review_queue.projects.editing import archived, created, edited, effect_of, patched
from services.review_queue.projects.messages import (
    ANY_REVISION,
    EditTerms,
    MappedLabel,
    ProjectList,
    ProjectPreview,
    ProjectStatement,
)
from services.review_queue.projects.problems import LabelsInUse, ProjectBeingDeleted, StaleRevision
from services.review_queue.projects.publishing import ProjectPublisher
from services.review_queue.projects.reading import (
    current_project,
    hold,
    project_if_any,
    project_of,
    spec_of,
)
from services.review_queue.projects.recipes import require_recipe
from services.review_queue.repository import label_mapping
from services.review_queue.tables import OutboxRow, ProjectRow
from shared import outbox
from shared.auth import acting
from shared.contracts.projects import Project, ProjectSpec, Webhook
from shared.contracts.versions import PromiseDocument
from shared.db import Database, Session
from shared.doorbells import outcomes_bell
from shared.http.lists import page_of
from shared.logs import cause_of
from shared.problems import Unavailable
from shared.store import Store, promise_path

log = structlog.get_logger()

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
        secret is not the project's or not found here, or its address is not one to send to, or more
        than the wording changes, or no trainer has the recipe; `ProjectBeingDeleted`;
        `Unavailable`: the store is away; the project is kept, and reaches it once it is back.
        """
        await self._require_recipe(name, statement)
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
                hold(row, after)
                action: RecordedAction = "project.archived" if is_archived else "project.unarchived"
                record(session, action, after.updated_at, project=name, target=str(row.revision))
        return await self._published(name)

    async def _published(self, name: str) -> Project:
        await self.publish(name)
        return await self.get(name)

    async def publish(self, name: str) -> None:
        """Write project.json; `Unavailable` while the store is away."""
        try:
            await self.publisher.publish(name)
        except (StoreError, OSError) as error:
            log.warning("project_publication_failed", project=name, cause=cause_of(error))
            raise Unavailable(
                "The project is saved in the database. The store is unavailable; "
                "the review queue repeats the write."
            ) from error

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
        await self._require_recipe(name, statement)
        await self.prepare_webhooks(name, statement.webhooks)
        now = self.now()
        async with self.database.reading() as session:
            before = await project_if_any(session, name)
            _require_revision(name, before, terms.if_revision)
            mapped: dict[str, MappedLabel] = {}
            if before is None:
                after = created(name, statement, now)
            else:
                after = edited(before, statement, _actor(), now)
                await _require_unused_labels(session, before, after, statement, terms)
                mapped = await _mapped_labels(session, before, statement)
        effect = effect_of(before, after, await self._promise(name), now)
        return ProjectPreview(project=after, effect=effect, label_mapping=mapped)

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

    async def _require_recipe(self, name: str, statement: ProjectStatement) -> None:
        async with self.database.reading() as session:
            before = await project_if_any(session, name)
        kept = None if before is None else before.training.recipe
        await require_recipe(self.store, statement.training.recipe, kept)

    async def _create(self, session: Session, name: str, statement: ProjectStatement) -> bool:
        """Insert the project and say so in the log; False if another call has just created it."""
        now = self.now()
        row = ProjectRow(
            name=name,
            spec=spec_of(created(name, statement, now)),
            revision=1,
            instructions_revision=1,
            created_at=now,
            updated_at=now,
        )
        earlier = await repository.lock_name(session, name)
        if earlier is not None:
            if earlier.deleted_at is None:
                return False
            await _take_name(session, earlier, row)
        elif not await repository.insert(session, row):
            return False
        target = str(row.revision if earlier is None else earlier.revision)
        record(session, "project.created", now, project=name, target=target)
        return True

    async def _edit(
        self, session: Session, row: ProjectRow, statement: ProjectStatement, terms: EditTerms
    ) -> None:
        """Let the project be as `statement` says; write that down."""
        before = project_of(row)
        after = edited(before, statement, _actor(), self.now())
        if after is before:
            return
        await _require_unused_labels(session, before, after, statement, terms)
        if statement.label_mapping:
            await label_mapping.apply(session, after, statement.label_mapping, _actor())
            outbox.add(session, OutboxRow, outcomes_bell(before.project))
        old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
        hold(row, after)
        changed = sorted(key for key in ProjectSpec.model_fields if old[key] != new[key])
        detail: dict[str, Any] = {"changed": changed, "changes": changes_between(old, new, changed)}
        if statement.label_mapping:
            detail["label_mapping"] = statement.label_mapping
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


async def _take_name(session: Session, earlier: ProjectRow, new: ProjectRow) -> None:
    """Let the row of a deleted project hold the new one; its revisions go on."""
    # A call that was under way while the rows were removed may have left a task behind.
    if earlier.removed_at is None or await repository.has_tasks(session, earlier.name):
        raise ProjectBeingDeleted(project=earlier.name)
    earlier.spec, earlier.instructions_revision = new.spec, new.instructions_revision
    earlier.created_at, earlier.updated_at = new.created_at, new.updated_at
    earlier.revision += 1
    earlier.first_revision = earlier.revision
    earlier.deleted_at = earlier.removed_at = None


def _require_revision(name: str, row: ProjectRow | Project | None, if_revision: int | None) -> None:
    revision = None if row is None else row.revision
    if if_revision not in (None, revision):
        detail = "The project is at another revision; read it and try again."
        raise StaleRevision(detail, project=name, revision=revision)


async def _require_unused_labels(
    session: Session,
    before: Project,
    after: Project,
    statement: ProjectStatement,
    terms: EditTerms,
) -> None:
    removed = set(before.labels) - set(after.labels) - statement.label_mapping.keys()
    if not removed or terms.allow_label_removal:
        return
    if uses := await repository.label_uses(session, before.project, removed):
        raise LabelsInUse(project=before.project, labels=uses)


async def _mapped_labels(
    session: Session, before: Project, statement: ProjectStatement
) -> dict[str, MappedLabel]:
    """Return what becomes of each label that is mapped."""
    mapping = statement.label_mapping
    uses = await repository.label_uses(session, before.project, mapping.keys())
    unused = dict.fromkeys(("votes", "suggestions", "outcomes"), 0)
    return {old: MappedLabel(to=new, **uses.get(old, unused)) for old, new in mapping.items()}


def _actor() -> str | None:
    who = acting()
    return None if who is None else who.subject
