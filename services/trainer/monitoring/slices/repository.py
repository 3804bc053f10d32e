"""SQL of the evidence for slices: decisions that people have judged."""

from typing import Any, NamedTuple

from sqlalchemy import and_, select
from sqlmodel import col

from services.trainer.outcomes.evidence import evidence_of
from services.trainer.tables import LedgerRow, OutcomeRow
from shared.db import Session


class Judged(NamedTuple):
    """A decision as it was logged, the label that people gave, and their task's lane."""

    place: int
    item_id: str
    row: dict[str, Any]
    label: str
    lane: str
    asked_with: float | None


async def judged(session: Session, project: str, version: str, limit: int) -> list[Judged]:
    """Return a version's newest decisions whose items people labelled blind, newest first.

    An item is there once, with its first decision among them; `asked_with` is the chance with which
    its task was asked for, where its outcome says so.
    """
    query = (
        select(LedgerRow, OutcomeRow)
        .join(
            OutcomeRow,
            and_(
                col(OutcomeRow.project) == col(LedgerRow.project),
                col(OutcomeRow.item_id) == col(LedgerRow.item_id),
                col(OutcomeRow.content_hash) == col(LedgerRow.content_hash),
            ),
        )
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.model_version) == version,
            col(OutcomeRow.erasure).is_(None),
        )
        .order_by(col(LedgerRow.id).desc())
        .limit(limit)
    )
    found: dict[str, Judged] = {}
    for decided, outcome in (await session.execute(query)).all():
        evidence = evidence_of(outcome)
        if evidence.label is None or not evidence.blind:
            continue
        propensity = (outcome.prediction or {}).get("propensity")
        found[decided.item_id] = Judged(
            decided.id or 0, decided.item_id, decided.row, evidence.label, outcome.lane, propensity
        )
    return list(found.values())
