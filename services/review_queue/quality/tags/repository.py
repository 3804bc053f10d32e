"""Every statement about reviewers' tags but for claims, which compare them with needs."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, exists, func, insert, select

from services.review_queue.lifecycle.lanes import GROUPS
from services.review_queue.lifecycle.needs import covered_by, tags_in
from services.review_queue.repository.statements import fetch
from services.review_queue.tables import TASKS
from services.review_queue.tables.gold import PAUSES
from services.review_queue.tables.people import TAGS
from shared.db import Session

_MOST_NEEDS = 1_000


async def tags_of(
    session: Session, project: str, reviewers: Collection[str]
) -> dict[str, list[str]]:
    """Return the tags of those of the reviewers who have some."""
    found: dict[str, list[str]] = {}
    of_them = (TAGS.c.project == project, TAGS.c.reviewer.in_(reviewers))
    for row in await fetch(session, select(TAGS).where(*of_them).order_by(TAGS.c.needs)):
        # The other rows are what several of the tags cover together.
        if len(tags_in(row.needs)) == 1:
            found.setdefault(row.reviewer, []).append(row.needs)
    return found


async def replace(session: Session, project: str, reviewer: str, tags: Collection[str]) -> None:
    """Give a reviewer these tags and no others."""
    own = (TAGS.c.project == project, TAGS.c.reviewer == reviewer)
    await session.execute(delete(TAGS).where(*own))
    rows: list[dict[str, Any]] = [
        {"project": project, "reviewer": reviewer, "needs": needs} for needs in covered_by(tags)
    ]
    if rows:
        await session.execute(insert(TAGS), rows)


async def uncovered(session: Session, project: str) -> dict[str, int]:
    """Count the waiting tasks that no reviewer can take, by their needs, most first.

    A reviewer who is paused takes none.
    """
    paused = exists().where(
        PAUSES.c.project == TAGS.c.project,
        PAUSES.c.reviewer == TAGS.c.reviewer,
        PAUSES.c.resumed_at.is_(None),
    )
    # Tasks with the same needs are counted together: reviewers are matched once for each set of
    # needs, and not for each task.
    waiting = (
        select(TASKS.c.needs, func.count().label("number"))
        .where(
            TASKS.c.project == project,
            TASKS.c.lane_group.in_(GROUPS),
            TASKS.c.needs > "",
            TASKS.c.turn.is_not(None),
        )
        .group_by(TASKS.c.needs)
        .subquery()
    )
    covered = exists().where(TAGS.c.project == project, TAGS.c.needs == waiting.c.needs, ~paused)
    statement = (
        select(waiting.c.needs, waiting.c.number)
        .where(~covered)
        .order_by(waiting.c.number.desc(), waiting.c.needs)
        .limit(_MOST_NEEDS)
    )
    return {row.needs: row.number for row in await fetch(session, statement)}
