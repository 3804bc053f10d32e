"""SQL of the outcomes that were read."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.trainer.content import content_hash
from services.trainer.erasure import repository as erasure
from services.trainer.models import OutcomeRow, ProjectState
from shared.contracts.tasks import TRAINING_LANES, Outcome


async def record(session: AsyncSession, state: ProjectState, outcomes: Sequence[Outcome]) -> int:
    """Keep the latest revision of each outcome; return how many rows changed.

    A row that arrives late with a lower revision changes nothing; neither does one that decides
    nothing about an item of which nothing is known. A row of a later reading of the feed counts for
    more than any revision of an earlier one; where it says the same, it is no new outcome. What
    else is kept of an erased item goes with its row.
    """
    known = {
        row.item_id: row
        for row in await of_items(session, state.project, {o.item_id for o in outcomes})
    }
    changed = 0
    for outcome in outcomes:
        row = known.get(outcome.item_id)
        if row is None and _decides_nothing(outcome):
            continue
        if row is not None and (row.reading, row.revision) >= (
            state.feed_reading,
            outcome.revision,
        ):
            continue
        if row is not None and (_is_unerased(row, outcome) or _says_the_same(row, outcome)):
            row.reading = state.feed_reading
            continue
        state.outcomes_seen += 1
        changed += 1
        known[outcome.item_id] = _merged(session, state, row, outcome)
    await erasure.take_content(session, state.project, (o.item_id for o in outcomes if o.erased))
    return changed


def _decides_nothing(outcome: Outcome) -> bool:
    # Its task expired, or waits again. Where people could not answer, that is an answer.
    nothing = outcome.label is None and (outcome.verdicts == 0 or outcome.source == "expiry")
    return nothing and not outcome.erased


def _is_unerased(row: OutcomeRow, outcome: Outcome) -> bool:
    # The restored queue has lost that the item was erased: here it stays so.
    return row.erasure is not None and not outcome.erased


def _says_the_same(row: OutcomeRow, outcome: Outcome) -> bool:
    return (
        row.revision == outcome.revision
        and row.lane == outcome.lane
        and row.label == outcome.label
        and row.blind == outcome.blind
        and row.resolved_at == outcome.resolved_at
        and (row.erasure is not None) == outcome.erased
    )


def _merged(
    session: AsyncSession, state: ProjectState, row: OutcomeRow | None, outcome: Outcome
) -> OutcomeRow:
    wire = outcome.prediction
    values: dict[str, Any] = {
        "position": state.outcomes_seen,
        "reading": state.feed_reading,
        "revision": outcome.revision,
        "lane": outcome.lane,
        "label": outcome.label,
        "blind": outcome.blind,
        "data": outcome.data,
        "content_hash": content_hash(outcome.data),
        "prediction": None if wire is None else wire.model_dump(mode="json"),
        "resolved_at": outcome.resolved_at,
        "trace": outcome.trace,
        "erasure": "pending" if outcome.erased else None,
    }
    if row is None:
        row = OutcomeRow(project=state.project, item_id=outcome.item_id, **values)
        session.add(row)
    else:
        row.sqlmodel_update(values)
    return row


async def of_items(
    session: AsyncSession, project: str, item_ids: Iterable[str]
) -> Sequence[OutcomeRow]:
    """Return the outcomes of these items, in no order."""
    wanted = sorted(item_ids)
    rows: list[OutcomeRow] = []
    for start in range(0, len(wanted), 500):
        query = select(OutcomeRow).where(
            col(OutcomeRow.project) == project,
            col(OutcomeRow.item_id).in_(wanted[start : start + 500]),
        )
        rows += (await session.execute(query)).scalars()
    return rows


async def count_new_labels(session: AsyncSession, project: str, after: int) -> int:
    """Count the labels of training lanes that arrived after a position."""
    query = select(func.count()).where(
        col(OutcomeRow.project) == project,
        col(OutcomeRow.position) > after,
        col(OutcomeRow.label).is_not(None),
        col(OutcomeRow.lane).in_(sorted(TRAINING_LANES)),
        col(OutcomeRow.erasure).is_(None),
    )
    return int((await session.execute(query)).scalar_one())


async def newest_traces(
    session: AsyncSession, project: str, up_to: int, limit: int
) -> Sequence[str | None]:
    """Return the traces of the newest labels up to a position, newest first."""
    query = (
        select(OutcomeRow.trace)  # type: ignore[call-overload]
        .where(
            col(OutcomeRow.project) == project,
            col(OutcomeRow.position) <= up_to,
            col(OutcomeRow.label).is_not(None),
            col(OutcomeRow.trace).is_not(None),
        )
        .order_by(col(OutcomeRow.position).desc())
        .limit(limit)
    )
    traces: Sequence[str | None] = (await session.execute(query)).scalars().all()
    return traces


async def labelled(
    session: AsyncSession, project: str, lanes: Iterable[str]
) -> Sequence[OutcomeRow]:
    """Return the outcomes of these lanes that have a label and their content, by item id."""
    query = (
        select(OutcomeRow)
        .where(
            col(OutcomeRow.project) == project,
            col(OutcomeRow.label).is_not(None),
            col(OutcomeRow.lane).in_(sorted(lanes)),
            col(OutcomeRow.erasure).is_(None),
        )
        .order_by(col(OutcomeRow.item_id))
    )
    return (await session.execute(query)).scalars().all()
