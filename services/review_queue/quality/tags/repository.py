"""Every statement about reviewers' tags but for claims, which compare them with needs."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, exists, func, insert, select

from services.review_queue.lifecycle.lanes import GROUPS
from services.review_queue.lifecycle.needs import covered_by, tags_in
from services.review_queue.repository.statements import fetch, table_of
from services.review_queue.tables import TaskRow
from services.review_queue.tables.gold import PauseRow
from services.review_queue.tables.people import ReviewerTagsRow
from shared.db import Session

_tags = table_of(ReviewerTagsRow)
_tasks = table_of(TaskRow)
_pauses = table_of(PauseRow)
_MOST_NEEDS = 1_000


async def tags_of(
    session: Session, project: str, reviewers: Collection[str]
) -> dict[str, list[str]]:
    """Return the tags of those of the reviewers who have some."""
    found: dict[str, list[str]] = {}
    of_them = (_tags.c.project == project, _tags.c.reviewer.in_(reviewers))
    for row in await fetch(session, select(_tags).where(*of_them).order_by(_tags.c.needs)):
        # The other rows are what several of the tags cover together.
        if len(tags_in(row.needs)) == 1:
            found.setdefault(row.reviewer, []).append(row.needs)
    return found


async def replace(session: Session, project: str, reviewer: str, tags: Collection[str]) -> None:
    """Give a reviewer these tags and no others."""
    own = (_tags.c.project == project, _tags.c.reviewer == reviewer)
    await session.execute(delete(_tags).where(*own))
    rows: list[dict[str, Any]] = [
        {"project": project, "reviewer": reviewer, "needs": needs} for needs in covered_by(tags)
    ]
    if rows:
        await session.execute(insert(_tags), rows)


async def uncovered(session: Session, project: str) -> dict[str, int]:
    """Count the waiting tasks that no reviewer can take, by their needs, most first.

    A reviewer who is paused takes none.
    """
    paused = exists().where(
        _pauses.c.project == _tags.c.project,
        _pauses.c.reviewer == _tags.c.reviewer,
        _pauses.c.resumed_at.is_(None),
    )
    # Tasks with the same needs are counted together: reviewers are matched once for each set of
    # needs, and not for each task.
    waiting = (
        select(_tasks.c.needs, func.count().label("number"))
        .where(
            _tasks.c.project == project,
            _tasks.c.lane_group.in_(GROUPS),
            _tasks.c.needs > "",
            _tasks.c.turn.is_not(None),
        )
        .group_by(_tasks.c.needs)
        .subquery()
    )
    covered = exists().where(_tags.c.project == project, _tags.c.needs == waiting.c.needs, ~paused)
    statement = (
        select(waiting.c.needs, waiting.c.number)
        .where(~covered)
        .order_by(waiting.c.number.desc(), waiting.c.needs)
        .limit(_MOST_NEEDS)
    )
    return {row.needs: row.number for row in await fetch(session, statement)}
