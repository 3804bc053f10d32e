"""Every statement about what the reviewers' desk asks for."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CursorResult, and_, func, or_, select, tuple_, update
from sqlmodel import col

from services.review_queue.quality.gold.repository.scores import counts
from services.review_queue.repository.statements import insert_new
from services.review_queue.tables import TaskRow, VerdictRow
from services.review_queue.tables.gold import PROBES
from services.review_queue.tables.people import AcknowledgementRow
from shared.db import Session


async def acknowledged(session: Session, project: str, reviewer: str) -> int:
    """Return the revision of the instructions that the reviewer has read, 0 for none."""
    row = await session.get(AcknowledgementRow, (project, reviewer))
    return 0 if row is None else row.instructions_revision


async def acknowledge(session: Session, row: AcknowledgementRow) -> bool:
    """Note what was read, and say if it is news; an older revision never replaces a newer one."""
    if await insert_new(session, AcknowledgementRow, "reviewer", [row.model_dump()]):
        return True
    statement = (
        update(AcknowledgementRow)
        .where(
            col(AcknowledgementRow.project) == row.project,
            col(AcknowledgementRow.reviewer) == row.reviewer,
            col(AcknowledgementRow.instructions_revision) < row.instructions_revision,
        )
        .values(
            instructions_revision=row.instructions_revision, acknowledged_at=row.acknowledged_at
        )
    )
    noted = await session.execute(statement)
    assert isinstance(noted, CursorResult)
    return noted.rowcount > 0


async def answers_by_label(
    session: Session, project: str, reviewer: str, since: datetime | None
) -> list[tuple[str | None, int]]:
    """Return (label, how often) of a reviewer's standing answers; the label null counts skips.

    Answers to gold among them: a count that stood still would tell what was gold.
    """
    ordinary = (
        select(col(VerdictRow.label), func.count())
        .join(TaskRow, col(TaskRow.task_id) == col(VerdictRow.task_id))
        .where(
            col(TaskRow.project) == project,
            col(VerdictRow.reviewer) == reviewer,
            col(VerdictRow.withdrawn_at).is_(None),
        )
        .group_by(col(VerdictRow.label))
    )
    probed = (
        select(PROBES.c.label, func.count())
        .where(PROBES.c.project == project, PROBES.c.reviewer == reviewer, counts)
        .group_by(PROBES.c.label)
    )
    if since is not None:
        ordinary = ordinary.where(col(VerdictRow.given_at) >= since)
        probed = probed.where(PROBES.c.ended_at >= since)
    given: Counter[str | None] = Counter()
    for statement in (ordinary, probed):
        for label, count in await session.execute(statement):
            given[label] += count
    return sorted(given.items(), key=lambda one: (-one[1], one[0] is None, one[0] or ""))


async def undecided(
    session: Session, project: str, *, after: tuple[datetime, str] | None, limit: int
) -> list[TaskRow]:
    """Return tasks that wait for an adjudicator, or have no label after skips, oldest first."""
    disputed = col(TaskRow.adjudication).is_(True)
    # A task that has expired needs no answer.
    wanted = func.coalesce(col(TaskRow.source), "") != "expiry"
    unanswered = and_(col(TaskRow.label).is_(None), col(TaskRow.skips) > 0, wanted)
    statement = (
        select(TaskRow)
        .where(
            col(TaskRow.project) == project,
            col(TaskRow.erased_at).is_(None),
            or_(unanswered, disputed),
        )
        .order_by(col(TaskRow.created_at), col(TaskRow.task_id))
        .limit(limit)
    )
    if after is not None:
        place = tuple_(col(TaskRow.created_at), col(TaskRow.task_id))
        statement = statement.where(place > after)
    return list((await session.execute(statement)).scalars())


async def standing_answers(
    session: Session, task_ids: Sequence[str]
) -> dict[str, list[VerdictRow]]:
    """Return the standing verdicts and skips of each task, oldest first."""
    statement = (
        select(VerdictRow)
        .where(col(VerdictRow.task_id).in_(task_ids), col(VerdictRow.withdrawn_at).is_(None))
        .order_by(col(VerdictRow.verdict_id))
    )
    answers: dict[str, list[VerdictRow]] = {task_id: [] for task_id in task_ids}
    for row in (await session.execute(statement)).scalars():
        answers[row.task_id].append(row)
    return answers
