"""Every statement about what the reviewers' desk asks for."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select, tuple_

from services.review_queue.quality.gold.repository.scores import counts
from services.review_queue.repository.statements import insert_into
from services.review_queue.tables import TASKS, VERDICTS, TaskRow, VerdictRow
from services.review_queue.tables.gold import PROBES
from services.review_queue.tables.people import ACKNOWLEDGEMENTS, AcknowledgementRow
from shared.db import Session


async def acknowledge(session: Session, row: AcknowledgementRow) -> bool:
    """Note what was read, and say if it is news; an older revision never replaces a newer one."""
    read = insert_into(session, AcknowledgementRow).values(row.model_dump())
    new, known = read.excluded, ACKNOWLEDGEMENTS.c
    noted = read.on_conflict_do_update(
        index_elements=[known.project, known.reviewer],
        set_={name: new[name] for name in ("instructions_revision", "acknowledged_at")},
        where=known.instructions_revision < new.instructions_revision,
    )
    return (await session.execute(noted.returning(known.reviewer))).first() is not None


async def answers_by_label(
    session: Session, project: str, reviewer: str, since: datetime | None
) -> list[tuple[str | None, int]]:
    """Return (label, how often) of a reviewer's standing answers; the label null counts skips.

    Answers to gold among them: a count that stood still would tell what was gold.
    """
    ordinary = (
        select(VERDICTS.c.label, func.count())
        .join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id)
        .where(
            TASKS.c.project == project,
            VERDICTS.c.reviewer == reviewer,
            VERDICTS.c.withdrawn_at.is_(None),
        )
        .group_by(VERDICTS.c.label)
    )
    probed = (
        select(PROBES.c.label, func.count())
        .where(PROBES.c.project == project, PROBES.c.reviewer == reviewer, counts)
        .group_by(PROBES.c.label)
    )
    if since is not None:
        ordinary = ordinary.where(VERDICTS.c.given_at >= since)
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
    disputed = TASKS.c.adjudication.is_(True)
    # A task that has expired needs no answer.
    wanted = func.coalesce(TASKS.c.source, "") != "expiry"
    unanswered = and_(TASKS.c.label.is_(None), TASKS.c.skips > 0, wanted)
    statement = (
        select(TaskRow)
        .where(
            TASKS.c.project == project,
            TASKS.c.erased_at.is_(None),
            or_(unanswered, disputed),
        )
        .order_by(TASKS.c.created_at, TASKS.c.task_id)
        .limit(limit)
    )
    if after is not None:
        place = tuple_(TASKS.c.created_at, TASKS.c.task_id)
        statement = statement.where(place > after)
    return list((await session.execute(statement)).scalars())


async def standing_answers(
    session: Session, task_ids: Sequence[str]
) -> dict[str, list[VerdictRow]]:
    """Return the standing verdicts and skips of each task, oldest first."""
    statement = (
        select(VerdictRow)
        .where(VERDICTS.c.task_id.in_(task_ids), VERDICTS.c.withdrawn_at.is_(None))
        .order_by(VERDICTS.c.verdict_id)
    )
    answers: dict[str, list[VerdictRow]] = {task_id: [] for task_id in task_ids}
    for row in (await session.execute(statement)).scalars():
        answers[row.task_id].append(row)
    return answers
