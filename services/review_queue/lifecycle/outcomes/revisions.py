"""A task's outcome, revision by revision: resolve it, or open it again.

Every change of an item's final label is a new row of the feed, which supersedes the rows before.
A task that is opened again gets a row without a label and with no verdicts: the label it had
counts no longer, from that moment on.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.outcomes import repository
from services.review_queue.lifecycle.tasks.lanes import (
    AVAILABLE_AT_ONCE,
    RESERVED_TURN,
    group_of,
    saving_of,
    turn_of,
)
from services.review_queue.tables import OutboxRow, OutcomeRow, TaskRow
from shared import outbox
from shared.contracts.base import from_stored
from shared.contracts.tasks import Lane, Outcome, OutcomeSource, ShownOutcome
from shared.doorbells import outcomes_bell, tasks_bell


@dataclass(frozen=True)
class Ground:
    """What a label rests on: how many people, whether all were blind, and what they had read."""

    verdicts: int
    blind: bool
    instructions_revision: int


def outcome_message(row: OutcomeRow, task: TaskRow, *, brief: bool = False) -> Outcome:
    """Return a revision as the feed gives it; with `brief` without what may be large."""
    prediction = None if brief else row.prediction
    return from_stored(
        Outcome,
        {
            "item_id": task.item_id,
            "task_id": row.task_id,
            "revision": row.revision,
            "data": {} if brief else task.data,
            "metadata": {} if brief else task.item_metadata,
            "lane": row.lane,
            "label": row.label,
            "source": row.source,
            "verdicts": row.verdicts,
            "blind": row.blind,
            "prediction": prediction,
            "instructions_revision": row.instructions_revision,
            "resolved_at": row.resolved_at,
            "trace": task.trace,
            "erased": task.erased_at is not None,
            # In place of the data: a trainer of an older release does not read it.
            "data_digest": (task.data_digest or None) if brief else None,
        },
    )


def shown_outcome(row: OutcomeRow) -> ShownOutcome:
    """Return a revision as its reviewers see it."""
    return ShownOutcome(label=row.label, revision=row.revision)


def resolve(
    session: AsyncSession,
    task: TaskRow,
    label: str | None,
    ground: Ground,
    now: datetime,
    *,
    source: OutcomeSource = "human",
) -> OutcomeRow:
    """Close the task with `label`; null when nobody could answer."""
    task.state = "resolved"
    task.turn = None
    task.adjudication = False
    task.holder = None
    task.reserved_for = None
    task.label = label
    task.source = source
    task.resolved_at = now
    return _next_revision(session, task, ground, now)


async def reopen(
    session: AsyncSession,
    task: TaskRow,
    now: datetime,
    *,
    lane: Lane | None = None,
    reserve: tuple[str, datetime] | None = None,
) -> OutcomeRow:
    """Open a resolved task again, in `lane` or the one it had.

    `reserve` (reviewer, until) keeps it for the reviewer, and at the head of the queue.
    """
    instructions_revision = await repository.instructions_revision(session, task)
    if task.due_at is not None and task.due_at <= now and task.lane == "optional":
        # What is wanted after all does not expire once more.
        task.due_at = None
    if lane is not None:
        task.lane = lane
        task.lane_group = group_of(lane)
    open_again(session, task, reserve=reserve)
    task.label = None
    task.source = None
    task.resolved_at = None
    nobody = Ground(verdicts=0, blind=True, instructions_revision=instructions_revision)
    return _next_revision(session, task, nobody, now)


async def close_erased(session: AsyncSession, task: TaskRow, now: datetime) -> OutcomeRow:
    """Close a task whose content has been erased, by a revision that says so.

    The label stays, and what it rests on: they count where nobody needs the content.
    """
    newest = await repository.revision(session, task.task_id, task.revision)
    ground = Ground(verdicts=0, blind=True, instructions_revision=1)
    if newest is not None:
        ground = Ground(newest.verdicts, newest.blind, newest.instructions_revision)
    task.state = "resolved"
    task.turn = None
    task.adjudication = False
    task.holder = None
    task.reserved_for = None
    return _next_revision(session, task, ground, now)


def open_again(
    session: AsyncSession,
    task: TaskRow,
    *,
    reserve: tuple[str, datetime] | None = None,
    first: bool = True,
) -> None:
    """Put the task back into the queue, for everybody or for the one it is reserved for.

    What is reserved is at the head of the queue; where it is not to be the reviewer's `first`, it
    keeps its turn, and the claim gives it to him behind all others.
    """
    task.state = "open"
    task.adjudication = False
    task.holder = None
    task.reserved_for, task.available_at = reserve or (None, AVAILABLE_AT_ONCE)
    lane: Lane = task.lane  # type: ignore[assignment]
    saving = saving_of(task.prediction)
    head = reserve is not None and first
    task.turn = RESERVED_TURN if head else turn_of(lane, task.due_at, task.created_at, saving)
    outbox.add(session, OutboxRow, tasks_bell(task.project))


def leave_to_adjudicator(task: TaskRow) -> None:
    """Keep the task from reviewers: an operator is to say what its label is."""
    task.state = "open"
    task.adjudication = True
    task.turn = None
    task.holder = None
    task.reserved_for, task.available_at = None, AVAILABLE_AT_ONCE


def _next_revision(
    session: AsyncSession, task: TaskRow, ground: Ground, now: datetime
) -> OutcomeRow:
    task.revision += 1
    row = OutcomeRow(
        project=task.project,
        task_id=task.task_id,
        revision=task.revision,
        lane=task.lane,
        label=task.label,
        source=task.source or "human",
        verdicts=ground.verdicts,
        blind=ground.blind,
        prediction=task.prediction,
        instructions_revision=ground.instructions_revision,
        resolved_at=now,
    )
    session.add(row)
    outbox.add(session, OutboxRow, outcomes_bell(task.project))
    return row
