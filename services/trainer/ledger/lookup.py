"""What callers were told of items: the decision on each that was received last."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.trainer.ledger import repository
from services.trainer.ledger.explanation import PromiseRecord
from services.trainer.ledger.service import promise_record
from services.trainer.ledger.settling import Settling
from services.trainer.resources import Resources
from services.trainer.tables import DriftWatch, LedgerRow
from shared.contracts.base import from_stored
from shared.contracts.certificates import CLOCK_SKEW
from shared.contracts.decisions import (
    AnswerPromise,
    DecisionQuery,
    DecisionRow,
    KnownDecision,
    KnownDecisions,
)
from shared.contracts.projects import Project
from shared.contracts.versions import Certificate
from shared.db import Session


async def known_decisions(
    resources: Resources, settling: Settling, project: Project, query: DecisionQuery
) -> KnownDecisions:
    """Return the newest decision on each item of the query, and whether others may have one."""
    found = await _newest(resources, project.project, query.item_ids)
    left = set(query.item_ids) - {row.item_id for row in found}
    unsettled = None if not left else "the decision log was not read for this call"
    if left and query.settle:
        unsettled = await settling.settle(project)
        found += await _newest(resources, project.project, sorted(left))
    decisions = await _as_told(resources, project.project, found)
    return KnownDecisions(decisions=decisions, unsettled=unsettled)


async def _newest(resources: Resources, project: str, item_ids: Sequence[str]) -> list[DecisionRow]:
    async with resources.database.reading() as session:
        rows = await repository.newest_decisions(session, project, item_ids)
    return [from_stored(DecisionRow, row.row) for row in rows]


async def _as_told(
    resources: Resources, project: str, rows: Sequence[DecisionRow]
) -> list[KnownDecision]:
    answered = [row for row in rows if _is_model_answer(row)]
    record = await promise_record(resources, project, answered)
    versions = {row.model_version for row in answered if row.model_version is not None}
    async with resources.database.reading() as session:
        stored = await repository.certificates(session, project, versions)
    newest = {version: from_stored(Certificate, one) for version, one in stored.items()}
    members = {*KnownDecision.model_fields} - {"promise"}
    return [
        KnownDecision(
            **row.model_dump(include=members),
            promise=_promise(row, record, newest) if _is_model_answer(row) else None,
        )
        for row in rows
    ]


def _is_model_answer(row: DecisionRow) -> bool:
    return row.decision == "answered" and row.reason != "human"


def _promise(
    row: DecisionRow, record: PromiseRecord, newest: dict[str, Certificate]
) -> AnswerPromise:
    certificate = newest.get(row.model_version or "")
    # A router reads a certificate some seconds after the trainer has given it.
    if certificate is not None and certificate.certified_at > row.decided_at + CLOCK_SKEW:
        certificate = None
    figures: dict[str, Any] = {"target_accuracy": None, "confidence": None}
    if certificate is not None:
        figures = certificate.model_dump(include=set(figures))
    threshold = record.at(row.model_version, row.decided_at).threshold
    if threshold is None and certificate is not None:
        threshold = certificate.threshold
    return AnswerPromise(state="certified", threshold=threshold, **figures)


async def drift_began_at(session: Session, watch: DriftWatch) -> datetime | None:
    """Return when the drift that was found began; None without one.

    The release before did not note it: then the decision says it, or, once that is deleted, when
    the drift was found.
    """
    if watch.alarm is None:
        return None
    noted = watch.alarm.get("began_at")
    if noted is not None:
        return datetime.fromisoformat(noted)
    row = await session.get(LedgerRow, watch.alarm["began"])
    return watch.alarmed_at if row is None else row.received_at
