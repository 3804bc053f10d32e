"""SQL of the ledger."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, insert, literal_column, select
from sqlmodel import col

from services.trainer.ledger.explanation import PromiseRecord
from services.trainer.tables import (
    AuditWatch,
    Certification,
    CertificationPopulation,
    LedgerFile,
    LedgerRow,
    PromiseChange,
    Version,
    count_rows,
    insert_new,
    page_before,
    rows_of,
)
from services.trainer.tables.evidence import REASON
from shared.db import Session
from shared.store import decisions_prefix

# More suspensions than these a page of decisions does not span.
_SUSPENSIONS = 1_000


async def files_read(session: Session, project: str, folder: str) -> set[str]:
    """Return the files under `folder` that were read before."""
    query = select(col(LedgerFile.path)).where(
        col(LedgerFile.project) == project,
        col(LedgerFile.path).startswith(f"{folder}/", autoescape=True),
    )
    return set((await session.execute(query)).scalars())


async def record_file(session: Session, file: LedgerFile, rows: Sequence[dict[str, Any]]) -> bool:
    """Record a file and its rows; False, and nothing changed, when it was recorded before."""
    if not await insert_new(session, LedgerFile, [file.model_dump()]):
        return False
    if rows:
        await session.execute(insert(LedgerRow), list(rows))
    return True


@dataclass(frozen=True)
class DecisionFilter:
    """Which decisions are wanted; None: whatever it is. `since` counts itself, `until` does not."""

    item_id: str | None = None
    version: str | None = None
    decision: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return its conditions."""
        equal = {
            col(LedgerRow.item_id): self.item_id,
            col(LedgerRow.model_version): self.version,
            col(LedgerRow.decision): self.decision,
            literal_column(f"({REASON})"): self.reason,
        }
        wanted = [column == value for column, value in equal.items() if value is not None]
        if self.since is not None:
            wanted.append(col(LedgerRow.received_at) >= self.since)
        if self.until is not None:
            wanted.append(col(LedgerRow.received_at) < self.until)
        return wanted


async def decisions(
    session: Session, project: str, wanted: DecisionFilter, after: int, limit: int
) -> Sequence[LedgerRow]:
    """Return the wanted decisions in the order of reading."""
    conditions = (
        col(LedgerRow.project) == project,
        col(LedgerRow.id) > after,
        *wanted.conditions(),
    )
    return await rows_of(session, LedgerRow, *conditions, order=[col(LedgerRow.id)], limit=limit)


async def newest_decisions(
    session: Session, project: str, item_ids: Collection[str]
) -> Sequence[LedgerRow]:
    """Return the decision on each of the items that was received last."""
    number = func.row_number().over(
        partition_by=col(LedgerRow.item_id),
        order_by=(col(LedgerRow.received_at).desc(), col(LedgerRow.id).desc()),
    )
    numbered = (
        select(col(LedgerRow.id), number.label("number"))
        .where(col(LedgerRow.project) == project, col(LedgerRow.item_id).in_(item_ids))
        .subquery()
    )
    query = select(LedgerRow).join(
        numbered, (numbered.c.id == LedgerRow.id) & (numbered.c.number == 1)
    )
    return (await session.execute(query)).scalars().all()


async def certificates(
    session: Session, project: str, versions: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the newest certificate of each of the versions that has one."""
    query = select(col(Version.version), col(Version.certificate)).where(
        col(Version.project) == project, col(Version.version).in_(versions)
    )
    found = await session.execute(query)
    return {version: certificate for version, certificate in found if certificate is not None}


async def promise_record(
    session: Session, project: str, versions: Collection[str], until: datetime
) -> PromiseRecord:
    """Return what is on record of the versions' promises up to `until`."""
    certified = (
        select(col(Certification.version), col(Certification.closed_at), col(Certification.result))
        .where(
            col(Certification.project) == project,
            col(Certification.version).in_(versions),
            col(Certification.state) == "certified",
            col(Certification.closed_at) <= until,
        )
        .order_by(col(Certification.closed_at))
    )
    ended = col(PromiseChange.to_state).in_(("suspended", "recertifying"))
    wanted = (ended, col(PromiseChange.at) <= until)
    key = PromiseChange.id
    newest = await page_before(session, PromiseChange, project, key, None, _SUSPENSIONS, *wanted)
    given = [
        (version, at, result["threshold"])
        for version, at, result in await session.execute(certified)
    ]
    ends = [(one.version, one.at, one.detail or one.cause) for one in reversed(newest)]
    return PromiseRecord(given, ends)


async def recent_confidences(
    session: Session, project: str, version: str, since: datetime, limit: int
) -> list[float]:
    """Return confidences of a version's newest decisions since then, newest first."""
    confidence = col(LedgerRow.row)["confidence"].as_float()
    query = (
        select(confidence)
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.model_version) == version,
            col(LedgerRow.received_at) >= since,
            confidence.is_not(None),
        )
        .order_by(col(LedgerRow.id).desc())
        .limit(limit)
    )
    return [float(one) for one in (await session.execute(query)).scalars()]


async def delete_expired(session: Session, project: str, before: datetime, limit: int) -> int:
    """Delete up to `limit` decisions received before that moment; return how many.

    Answers that the watch of a version has not taken in stay: an audit that waits for people
    suspends the promise, and must not pass by being forgotten.
    """
    unwatched = exists().where(
        col(AuditWatch.project) == project,
        col(AuditWatch.version) == col(LedgerRow.model_version),
        col(AuditWatch.position) < col(LedgerRow.id),
        col(Version.project) == project,
        col(Version.version) == col(AuditWatch.version),
        col(Version.retired).is_(False),
    )
    oldest = (
        select(col(LedgerRow.id))
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.received_at) < before,
            ~((col(LedgerRow.decision) == "answered") & unwatched),
        )
        .order_by(col(LedgerRow.received_at))
        .limit(limit)
    )
    gone = delete(LedgerRow).where(col(LedgerRow.id).in_(oldest)).returning(col(LedgerRow.id))
    return len((await session.execute(gone)).all())


async def forget_populations(session: Session, project: str, before: datetime) -> None:
    """Delete the populations of certifications that were opened before that moment."""
    await session.execute(
        delete(CertificationPopulation).where(
            col(CertificationPopulation.project) == project,
            col(CertificationPopulation.opened_at) < before,
        )
    )


async def forget_files(session: Session, project: str, before: str, limit: int) -> int:
    """Forget up to `limit` files of days before the day `before`; return how many."""
    oldest = (
        select(col(LedgerFile.path))
        .where(
            col(LedgerFile.project) == project,
            col(LedgerFile.path) < f"{decisions_prefix(project)}/{before}",
        )
        .limit(limit)
    )
    gone = delete(LedgerFile).where(
        col(LedgerFile.project) == project, col(LedgerFile.path).in_(oldest)
    )
    return len((await session.execute(gone.returning(col(LedgerFile.path)))).all())


async def first_decisions(
    session: Session, project: str, since: datetime, limit: int
) -> Sequence[LedgerRow]:
    """Return the first decision of each item first received after `since`, newest first."""
    first = (
        select(func.min(col(LedgerRow.id)))
        .where(col(LedgerRow.project) == project)
        .group_by(col(LedgerRow.item_id))
    )
    wanted = (col(LedgerRow.id).in_(first), col(LedgerRow.received_at) > since)
    return await rows_of(session, LedgerRow, *wanted, order=[col(LedgerRow.id).desc()], limit=limit)


async def count(session: Session, project: str, since: datetime | None = None) -> int:
    """Count the decisions of a project, all or those about items received after `since`."""
    recent = [] if since is None else [col(LedgerRow.received_at) > since]
    return await count_rows(session, col(LedgerRow.project) == project, *recent)
