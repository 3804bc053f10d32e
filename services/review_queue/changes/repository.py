"""Every statement about changes over all projects."""

from typing import Any

from sqlalchemy import func, null, select

from services.review_queue.lifecycle.outcomes.repository import Feed
from services.review_queue.repository.statements import fetch
from services.review_queue.tables import CHANGES, OUTCOMES
from shared.contracts.changes import Change, ChangeKind
from shared.db import Session

FEED = Feed(CHANGES, "change_id", (CHANGES.c.project, CHANGES.c.revision, null(), CHANGES.c.at))
# So many rows of each kind a page is made of at most.
_PAGE_ROWS = 10_000


async def projects_after(session: Session, after: int) -> tuple[list[Change], int]:
    """Return the projects that changed behind a position, and the last of their positions."""
    columns = CHANGES.c.position, CHANGES.c.project, CHANGES.c.revision
    return await _newest(session, "project", after, *columns)


async def outcomes_after(session: Session, after: int) -> tuple[list[Change], int]:
    """Return the projects that have outcomes behind a position, and the last of their positions."""
    position, project = OUTCOMES.c.position, OUTCOMES.c.project
    return await _newest(session, "outcomes", after, position, project, position)


async def _newest(
    session: Session, kind: ChangeKind, after: int, position: Any, project: Any, revision: Any
) -> tuple[list[Change], int]:
    page = select(position.label("place"), project, revision.label("revision"))
    rows = page.where(position > after).order_by(position).limit(_PAGE_ROWS).subquery().c
    last = func.max(rows.place).label("last")
    newest = select(rows.project, func.max(rows.revision).label("revision"), last)
    found = await fetch(session, newest.group_by(rows.project).order_by(last))
    changes = [Change(project=row.project, kind=kind, revision=row.revision) for row in found]
    return changes, found[-1].last if found else after
