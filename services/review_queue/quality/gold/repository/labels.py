"""Every statement about the labels that operators vouch for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, select, update

from services.review_queue.lifecycle.repository.gold import known
from services.review_queue.quality.gold.repository.scores import answered
from services.review_queue.repository.statements import count_where, fetch, insert_new
from services.review_queue.tables.gold import GOLD, PROBES, GoldRow
from shared.db import Session


async def vouch(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write known labels; where one was retired, or was another, the new one takes its place."""
    new = await insert_new(session, GoldRow, "task_id", rows)
    for row in rows:
        if row["task_id"] not in new:
            statement = update(GOLD).where(GOLD.c.task_id == row["task_id"])
            await session.execute(statement.values(**row, retired_at=None))


async def retire(session: Session, row: dict[str, Any], now: datetime) -> None:
    """Retire a task's known label, also one that only an adjudicator gave it."""
    await insert_new(session, GoldRow, "task_id", [row])
    await session.execute(
        update(GOLD).where(GOLD.c.task_id == row["task_id"]).values(retired_at=now)
    )


async def rows(
    session: Session, project: str, *, only: str | None = None, after: str = "", limit: int = 1
) -> Sequence[Row[Any]]:
    """Return a project's gold by task id, from the one behind `after` on; or one task's."""
    found = known(project).subquery()
    statement: Select[Any] = select(found).order_by(found.c.task_id).limit(limit)
    wanted = found.c.task_id > after if only is None else found.c.task_id == only
    return await fetch(session, statement.where(wanted))


async def fared(session: Session, task_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return how many probes of each task were `answered`, `right` and `skipped`."""
    right = and_(answered, PROBES.c.label == PROBES.c.expected)
    statement = (
        select(
            PROBES.c.task_id,
            count_where(answered).label("answered"),
            count_where(right).label("right"),
            count_where(PROBES.c.skipped).label("skipped"),
        )
        .where(PROBES.c.task_id.in_(task_ids))
        .group_by(PROBES.c.task_id)
    )
    rows = map(dict, (await session.execute(statement)).mappings())
    return {row.pop("task_id"): row for row in rows}
