"""How an imported task stands (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.consensus.overlap import Adjudicate, Resolved, next_step
from services.review_queue.exchange.records import GivenVerdict, TaskRecord
from services.review_queue.lifecycle.states import Answer
from shared.contracts.review_settings import ReviewSettings
from shared.contracts.tasks import OutcomeSource

# As the file gives it, or as it is kept.
AnyAnswer = GivenVerdict | Answer


@dataclass(frozen=True)
class ImportedState:
    """Resolved, or open: all else is None then. `disputed` ones wait for an adjudicator."""

    resolved: bool
    label: str | None = None
    source: OutcomeSource | None = None
    resolved_at: datetime | None = None
    disputed: bool = False


def imported_state(
    record: TaskRecord,
    answers: Sequence[AnyAnswer],
    *,
    review: ReviewSettings,
    exhausted: bool,
    now: datetime,
) -> ImportedState:
    """Return how a task stands after `answers`.

    As the record says. If it says neither state nor label, consensus decides by the last answer of
    each reviewer. Where they leave it open and no more may be asked, it is disputed, even if the
    record says open, unless it says too that it waits for no adjudicator. With no answer at
    all it is resolved without a label if it is `exhausted`: skipped too often.
    """
    if record.adjudication:
        return ImportedState(resolved=False, disputed=True)
    labels = {one.reviewer: one.label for one in answers if one.label is not None}
    said = _said(record)
    is_open = said == (False, None) and record.adjudication is None
    if labels and (said is None or is_open):
        overlap, most = review.overlap, review.max_overlap
        step = next_step(labels.items(), overlap=overlap, max_overlap=most, may_ask=not exhausted)
        if isinstance(step, Adjudicate):
            return ImportedState(resolved=False, disputed=True)
        if said is None:
            said = (True, step.label) if isinstance(step, Resolved) else (False, None)
    resolved, label = said or (exhausted, None)
    if not resolved:
        return ImportedState(resolved=False)
    given = [one.given_at for one in record.verdicts if one.given_at is not None]
    return ImportedState(
        resolved=True,
        label=label,
        source=record.source or ("consensus" if len(labels) > 1 else "human"),
        resolved_at=record.resolved_at or max(given, default=now),
    )


def _said(record: TaskRecord) -> tuple[bool, str | None] | None:
    if record.state is None and record.label is None:
        return None
    return record.state not in {"open", "leased"}, record.label
