"""SQL of the evidence for slices: decisions that people have judged."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import col

from services.trainer.outcomes.evidence import evidence_of
from services.trainer.tables import LedgerRow, OutcomeRow, same_item
from shared.db import Session

# What is read at a time: items may be large, and no more of them is kept than `shortened` leaves.
_PAGE = 500
_CHARACTERS = 2_000


def shortened(row: dict[str, Any]) -> dict[str, Any]:
    """Return a decision with the beginnings of its texts, and nothing else of its data."""
    texts = {
        name: value[:_CHARACTERS] for name, value in row["data"].items() if isinstance(value, str)
    }
    return {**row, "data": texts}


class Judged(NamedTuple):
    """A decision as it was logged, `shortened`, the label that people gave, and the task's lane."""

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
        select(col(LedgerRow.id), col(LedgerRow.row), OutcomeRow)
        .join(
            OutcomeRow,
            same_item(OutcomeRow, LedgerRow)
            & (col(OutcomeRow.content_hash) == col(LedgerRow.content_hash)),
        )
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.model_version) == version,
            col(OutcomeRow.erasure).is_(None),
        )
    )
    found: dict[str, Judged] = {}
    async for place, row, outcome in newest_first(session, query, limit):
        evidence = evidence_of(outcome)
        if evidence.label is not None and evidence.blind:
            propensity = (outcome.prediction or {}).get("propensity")
            found[outcome.item_id] = Judged(
                *(place, outcome.item_id, shortened(row)),
                *(evidence.label, outcome.lane, propensity),
            )
    return list(found.values())


async def newest_first(session: Session, query: Any, limit: int) -> AsyncIterator[Any]:
    """Give up to `limit` rows of a query on the ledger, newest first; each begins with its id."""
    query, read = query.order_by(col(LedgerRow.id).desc()), 0
    page = query
    while rows := (await session.execute(page.limit(min(_PAGE, limit - read)))).all():
        for row in rows:
            yield row
        read += len(rows)
        page = query.where(col(LedgerRow.id) < rows[-1][0])
