"""SQL of audited answers, of how far they were watched, and of the history of promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlmodel import col

from services.trainer.outcomes.repository import confirmed
from services.trainer.tables import (
    AuditWatch,
    LedgerRow,
    OutcomeRow,
    PromiseChange,
    batches_of,
)
from shared.db import Session

# So many of a project's newest decisions tell the share of answers, to some 4 points.
SHARED = 500


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
    first = _first_audited(project)
    judged = col(OutcomeRow.item_id).is_not(None)
    same_data = col(OutcomeRow.content_hash) == col(LedgerRow.content_hash)
    right = and_(same_data, confirmed(col(LedgerRow.label)))
    version = func.coalesce(col(LedgerRow.model_version), "")
    statement = (
        select(
            version,
            func.count(),
            func.sum(case((judged, 1), else_=0)),
            func.sum(case((right, 0), (judged, 1), else_=0)),
        )
        .select_from(LedgerRow)
        .join(first, first.c.id == col(LedgerRow.id))
        .outerjoin(
            OutcomeRow,
            and_(
                col(OutcomeRow.project) == project,
                col(OutcomeRow.item_id) == col(LedgerRow.item_id),
            ),
        )
        .group_by(version)
        .order_by(version)
    )
    return [AuditCounts(*row) for row in (await session.execute(statement)).all()]


def _first_audited(project: str) -> Subquery:
    """Ids of the first audited answer of each version to each item's data."""
    return (
        select(func.min(col(LedgerRow.id)).label("id"))
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.audited).is_(True),
            col(LedgerRow.decision) == "answered",
        )
        .group_by(col(LedgerRow.model_version), col(LedgerRow.item_id), col(LedgerRow.content_hash))
        .subquery()
    )


@dataclass(frozen=True)
class Answer:
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


def was_optional() -> ColumnElement[bool]:
    """Say in SQL that a row's item was certified, and waited for an optional review."""
    found: ColumnElement[bool] = col(LedgerRow.row)["reason"].as_string() == "optional_review"
    return found


async def answers_after(
    session: Session, project: str, version: str, position: int, limit: int
) -> list[Answer]:
    """Return the version's automatic answers behind a place in the ledger, in its order.

    An item that waited for an optional review counts as one: the audits were drawn before.
    """
    propensity = func.coalesce(col(LedgerRow.row)["propensity"].as_float(), 0.0)
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
            or_(col(LedgerRow.decision) == "answered", was_optional()),
            col(LedgerRow.id) > position,
        )
        .order_by(col(LedgerRow.id))
        .limit(limit)
    )
    return [Answer(*row) for row in (await session.execute(query)).all()]


async def audited_before(
    session: Session, project: str, version: str, item_ids: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Return the place of the first audited answer to each of these items, by id and content."""
    found: dict[tuple[str, str], int] = {}
    for batch in batches_of(item_ids):
        query = (
            select(col(LedgerRow.item_id), col(LedgerRow.content_hash), func.min(col(LedgerRow.id)))
            .where(
                col(LedgerRow.project) == project,
                col(LedgerRow.item_id).in_(batch),
                col(LedgerRow.model_version) == version,
                col(LedgerRow.decision) == "answered",
                col(LedgerRow.audited).is_(True),
            )
            .group_by(col(LedgerRow.item_id), col(LedgerRow.content_hash))
        )
        found |= {(row[0], row[1]): row[2] or 0 for row in await session.execute(query)}
    return found


async def judged_on(
    session: Session, project: str, since: datetime, limit: int
) -> list[tuple[datetime, str, bool | None]]:
    """Return (received, version, wrong or None) of each first audited answer since then."""
    first = _first_audited(project)
    judged = col(OutcomeRow.item_id).is_not(None)
    same_data = col(OutcomeRow.content_hash) == col(LedgerRow.content_hash)
    right = and_(same_data, confirmed(col(LedgerRow.label)))
    query = (
        select(
            col(LedgerRow.received_at),
            func.coalesce(col(LedgerRow.model_version), ""),
            case((right, 0), (judged, 1), else_=None),
        )
        .join(first, first.c.id == col(LedgerRow.id))
        .outerjoin(
            OutcomeRow,
            and_(
                col(OutcomeRow.project) == project,
                col(OutcomeRow.item_id) == col(LedgerRow.item_id),
            ),
        )
        .where(col(LedgerRow.received_at) >= since)
        .order_by(col(LedgerRow.received_at).desc())
        .limit(limit)
    )
    rows = (await session.execute(query)).all()
    return [(row[0], row[1], None if row[2] is None else bool(row[2])) for row in rows]


async def newest_decisions(
    session: Session, versions: Sequence[tuple[str, str, datetime]]
) -> list[tuple[str, int, int]]:
    """Return (project, answers, decisions) of each (project, version, since), in one statement.

    Of a project's `SHARED` newest decisions since then those of the version count: the rows that
    are read have a bound, however long the ledger is.
    """
    found: list[tuple[str, int, int]] = []
    # SQLite takes at most 500 selects in a statement.
    for start in range(0, len(versions), 400):
        counts = union_all(*(_newest(*one) for one in versions[start : start + 400]))
        found += [(row[0], int(row[1]), int(row[2])) for row in await session.execute(counts)]
    return found


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


async def find_watch(session: Session, project: str, version: str) -> AuditWatch | None:
    """Return how far the version's audits were watched; None before the first look."""
    return await session.get(AuditWatch, (project, version))


async def history(
    session: Session, project: str, after: int, limit: int
) -> Sequence[PromiseChange]:
    """Return the lines of the project's history behind a place, oldest first."""
    query = (
        select(PromiseChange)
        .where(col(PromiseChange.project) == project, col(PromiseChange.id) > after)
        .order_by(col(PromiseChange.id))
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def newest_change(session: Session, project: str, version: str) -> PromiseChange | None:
    """Return the last line of the history that names the version."""
    query = (
        select(PromiseChange)
        .where(col(PromiseChange.project) == project, col(PromiseChange.version) == version)
        .order_by(col(PromiseChange.id).desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()
