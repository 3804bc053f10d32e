"""SQL of the outcomes that were read."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Mapped
from sqlmodel import col

from services.trainer.content import content_hash
from services.trainer.erasure import repository as erasure
from services.trainer.outcomes.evidence import answers, evidence_after, is_answer
from services.trainer.outcomes.opinions.repository import of_items as of_opinions
from services.trainer.tables import OutcomeRow, ProjectState, SecondOpinion, find_items, page_before
from services.trainer.tables.evidence import WAITING
from shared.contracts.tasks import TRAINING_LANES, Outcome
from shared.db import Session


async def record(session: Session, state: ProjectState, outcomes: Sequence[Outcome]) -> int:
    """Keep the latest revision of each outcome; return how many rows changed.

    An outcome of a lower revision changes nothing, and one without an answer begins no row. An
    outcome of a later reading of the feed replaces every revision of an earlier reading, unless
    both say the same. Pool, ledger and certifications lose the content of erased items.
    """
    known = {
        row.item_id: row
        for row in await of_items(session, state.project, (o.item_id for o in outcomes))
    }
    opinions = {
        item_id: opinion
        for item_id, opinion in (await of_opinions(session, state.project, known)).items()
        if opinion.state in WAITING
    }
    changed = 0
    for outcome in outcomes:
        row = known.get(outcome.item_id)
        if row is None and not is_answer(outcome) and not outcome.erased:
            continue
        if row is not None and (row.reading, row.revision) >= (
            state.feed_reading,
            outcome.revision,
        ):
            continue
        # A restored queue has lost that the item was erased: here it stays so.
        is_unerased = row is not None and row.erasure is not None and not outcome.erased
        if row is not None and (is_unerased or _says_the_same(row, outcome)):
            row.reading = state.feed_reading
            continue
        state.outcomes_seen += 1
        changed += 1
        opinion = opinions.pop(outcome.item_id, None)
        known[outcome.item_id] = _merged(session, state, row, outcome, opinion)
        if opinion is not None:
            opinion.state = "answered" if answers(outcome, opinion) else "unanswered"
    await erasure.take_content(session, state.project, (o.item_id for o in outcomes if o.erased))
    return changed


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
    session: Session,
    state: ProjectState,
    row: OutcomeRow | None,
    outcome: Outcome,
    opinion: SecondOpinion | None,
) -> OutcomeRow:
    wire, evidence = outcome.prediction, evidence_after(row, outcome, opinion)
    values: dict[str, Any] = {
        "position": state.outcomes_seen,
        "reading": state.feed_reading,
        "revision": outcome.revision,
        "lane": outcome.lane,
        "label": outcome.label,
        "blind": outcome.blind,
        "evidence_label": evidence.label,
        "evidence_blind": evidence.blind,
        "evidence_is_lone": evidence.is_lone,
        "data": outcome.data,
        "content_hash": content_hash(outcome.data),
        "prediction": None if wire is None else wire.model_dump(mode="json"),
        "resolved_at": outcome.resolved_at,
        "source": outcome.source,
        "verdicts": outcome.verdicts,
        "instructions_revision": outcome.instructions_revision,
        "trace": outcome.trace,
        "erasure": "pending" if outcome.erased else None,
    }
    if row is None:
        row = OutcomeRow(project=state.project, item_id=outcome.item_id, **values)
        session.add(row)
    else:
        row.sqlmodel_update(values)
    return row


async def of_items(session: Session, project: str, item_ids: Iterable[str]) -> Sequence[OutcomeRow]:
    """Return the outcomes of these items, in no order."""
    rows = await find_items(session, select(OutcomeRow), OutcomeRow, project, item_ids)
    return [row[0] for row in rows]


async def newest(session: Session, project: str, limit: int) -> Sequence[OutcomeRow]:
    """Return the outcomes that were read last, newest first."""
    return await page_before(session, OutcomeRow, project, OutcomeRow.position, None, limit)


def confirmed(label: Mapped[str | None]) -> ColumnElement[bool]:
    """Say in SQL what `evidence_of` and `Evidence.confirms` say of a row and `label`."""
    kept = and_(col(OutcomeRow.evidence_blind).is_(True), col(OutcomeRow.evidence_label) == label)
    of_the_release_before = and_(
        col(OutcomeRow.evidence_blind).is_(None),
        col(OutcomeRow.revision) == 1,
        col(OutcomeRow.blind).is_(True),
        col(OutcomeRow.label) == label,
    )
    return or_(kept, of_the_release_before)


def trains() -> ColumnElement[bool]:
    """Whether an outcome counts as a label for the next training run."""
    return and_(
        col(OutcomeRow.label).is_not(None),
        col(OutcomeRow.lane).in_(sorted(TRAINING_LANES)),
        col(OutcomeRow.erasure).is_(None),
    )


async def labels_of(
    session: Session, project: str, item_ids: Iterable[str]
) -> dict[str, str | None]:
    """Return the label that people gave each of these items."""
    query = select(col(OutcomeRow.item_id), col(OutcomeRow.label))
    return dict(map(tuple, await find_items(session, query, OutcomeRow, project, item_ids)))


async def label_counts(session: Session, project: str) -> dict[str, int]:
    """Return how many outcomes that may train have each label."""
    query = (
        select(col(OutcomeRow.label), func.count())
        .where(col(OutcomeRow.project) == project, trains())
        .group_by(col(OutcomeRow.label))
    )
    return {row[0] or "": int(row[1]) for row in await session.execute(query)}


async def labels_for_next_run(session: Session, projects: Sequence[str]) -> dict[str, int]:
    """Return how many labels each project has that no run has used; one without any is left out."""
    query = (
        select(col(OutcomeRow.project), func.count())
        .join(ProjectState, col(ProjectState.project) == col(OutcomeRow.project))
        .where(
            col(OutcomeRow.project).in_(projects),
            col(OutcomeRow.position) > col(ProjectState.trained_position),
            trains(),
        )
        .group_by(col(OutcomeRow.project))
    )
    return {row[0]: int(row[1]) for row in await session.execute(query)}
