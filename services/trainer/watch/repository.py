"""SQL of audited answers, of how far they were watched, and of the history of promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVarTuple

from sqlalchemy import Select, and_, case, func, literal, or_, select, union_all
from sqlmodel import col

from services.trainer.outcomes.repository import confirmed
from services.trainer.tables import (
    LedgerRow,
    OutcomeRow,
    PromiseChange,
    Version,
    find_items,
    page_before,
    rows_of,
    same_item,
)
from shared.db import Session

# So many of a project's newest decisions tell the share of answers, to some 4 points.
SHARED = 500

Columns = TypeVarTuple("Columns")


@dataclass(frozen=True)
class AuditCounts:
    """How many answers of one version were audited, judged by people, and found wrong."""

    version: str
    audited: int
    resolved: int
    errors: int


async def audit_counts(session: Session, project: str) -> list[AuditCounts]:
    """Count the audited answers of each version that has any, each item's data once a version.

    An answer that people could not judge counts as wrong: silence is no evidence for it. So does
    one that they first judged otherwise, or with the model's word in sight, and one whose item has
    an outcome for other data: the id was used twice, and people are not asked about the second.
    """
    statement = _of_first_audits(
        project,
        select(
            _VERSION,
            func.count(),
            func.sum(case((_JUDGED, 1), else_=0)),
            func.sum(case((_RIGHT, 0), (_JUDGED, 1), else_=0)),
        ),
    )
    statement = statement.group_by(_VERSION).order_by(_VERSION)
    return [AuditCounts(*row) for row in (await session.execute(statement)).all()]


_VERSION = func.coalesce(col(LedgerRow.model_version), "")
_JUDGED = col(OutcomeRow.item_id).is_not(None)
_RIGHT = and_(
    col(OutcomeRow.content_hash) == col(LedgerRow.content_hash), confirmed(col(LedgerRow.label))
)


def _of_first_audits(project: str, query: Select[*Columns]) -> Select[*Columns]:
    """Query the first audited answer of each version to each item's data, with its outcome."""
    first = (
        select(func.min(col(LedgerRow.id)).label("id"))
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.audited).is_(True),
            col(LedgerRow.decision) == "answered",
        )
        .group_by(col(LedgerRow.model_version), col(LedgerRow.item_id), col(LedgerRow.content_hash))
        .subquery()
    )
    query = query.select_from(LedgerRow).join(first, first.c.id == col(LedgerRow.id))
    return query.outerjoin(OutcomeRow, same_item(OutcomeRow, LedgerRow))


@dataclass(frozen=True)
class LoggedAnswer:
    """An automatic answer as it was logged.

    `propensity` is the chance that it was audited; `confidence` is None once it was erased.
    """

    position: int
    item_id: str
    content_hash: str
    label: str | None
    audited: bool
    propensity: float
    confidence: float | None
    received_at: datetime


async def answers_after(
    session: Session, project: str, version: str, position: int, limit: int
) -> list[LoggedAnswer]:
    """Return the version's automatic answers behind a place in the ledger, in its order.

    An item that waited for an optional review counts as one: the audits were drawn before.
    """
    propensity = func.coalesce(col(LedgerRow.row)["propensity"].as_float(), 0.0)
    was_optional = col(LedgerRow.row)["reason"].as_string() == "optional_review"
    query = (
        select(
            col(LedgerRow.id),
            col(LedgerRow.item_id),
            col(LedgerRow.content_hash),
            col(LedgerRow.label),
            col(LedgerRow.audited),
            propensity,
            col(LedgerRow.row)["confidence"].as_float(),
            col(LedgerRow.received_at),
        )
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.model_version) == version,
            or_(col(LedgerRow.decision) == "answered", was_optional),
            col(LedgerRow.id) > position,
        )
        .order_by(col(LedgerRow.id))
        .limit(limit)
    )
    return [LoggedAnswer(*row) for row in (await session.execute(query)).all()]


async def audited_before(
    session: Session, project: str, version: str, item_ids: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Return the place of the first audited answer to each of these items, by id and content."""
    query = (
        select(col(LedgerRow.item_id), col(LedgerRow.content_hash), func.min(col(LedgerRow.id)))
        .where(
            col(LedgerRow.model_version) == version,
            col(LedgerRow.decision) == "answered",
            col(LedgerRow.audited).is_(True),
        )
        .group_by(col(LedgerRow.item_id), col(LedgerRow.content_hash))
    )
    rows = await find_items(session, query, LedgerRow, project, item_ids)
    return {(row[0], row[1]): row[2] or 0 for row in rows}


async def judged_on(
    session: Session, project: str, since: datetime, limit: int
) -> list[tuple[datetime, str, bool | None]]:
    """Return (received, version, wrong or None) of each first audited answer since then."""
    query = _of_first_audits(
        project,
        select(col(LedgerRow.received_at), _VERSION, case((_RIGHT, 0), (_JUDGED, 1), else_=None)),
    )
    query = query.where(col(LedgerRow.received_at) >= since)
    query = query.order_by(col(LedgerRow.received_at).desc()).limit(limit)
    rows = (await session.execute(query)).all()
    return [(row[0], row[1], None if row[2] is None else bool(row[2])) for row in rows]


async def shares_answered(session: Session, versions: Sequence[Version]) -> dict[str, float]:
    """Return the share of answers among the newest decisions of each version, by project.

    The versions are of different projects. Of a project's `SHARED` newest decisions since the
    certificate those of the version count: the rows that are read have a bound, however long the
    ledger is. A version without any is left out.
    """
    asked = [
        _newest(one.project, one.version, one.certified_at)
        for one in versions
        if one.certified_at is not None
    ]
    shares: dict[str, float] = {}
    # SQLite takes at most 500 selects in a statement.
    for start in range(0, len(asked), 400):
        counts = await session.execute(union_all(*asked[start : start + 400]))
        shares |= {project: answered / decided for project, answered, decided in counts if decided}
    return shares


def _newest(project: str, version: str, since: datetime) -> Select[str, int, int]:
    newest = (
        select(col(LedgerRow.decision), col(LedgerRow.model_version))
        .where(col(LedgerRow.project) == project, col(LedgerRow.received_at) >= since)
        # The order of an index: by id, PostgreSQL may walk the ledger of all projects.
        .order_by(col(LedgerRow.received_at).desc())
        .limit(SHARED)
        .subquery()
    )
    answered = func.count().filter(newest.c.decision == "answered")
    return (
        select(literal(project), answered, func.count())
        .select_from(newest)
        .where(newest.c.model_version == version)
    )


async def history(
    session: Session, project: str, after: int, limit: int
) -> Sequence[PromiseChange]:
    """Return the lines of the project's history behind a place, oldest first."""
    wanted = (col(PromiseChange.project) == project, col(PromiseChange.id) > after)
    order = (col(PromiseChange.id),)
    return await rows_of(session, PromiseChange, *wanted, order=order, limit=limit)


async def newest_change(session: Session, project: str, version: str) -> PromiseChange | None:
    """Return the last line of the history that names the version."""
    is_of, key = col(PromiseChange.version) == version, PromiseChange.id
    return next(iter(await page_before(session, PromiseChange, project, key, None, 1, is_of)), None)
