"""Taking tasks in: up to a thousand at once, each with a receipt."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.outcomes.revisions import reopen
from services.review_queue.lifecycle.probes.known import is_gold
from services.review_queue.lifecycle.tasks import repository
from services.review_queue.lifecycle.tasks.entries import Entry, check_entries
from services.review_queue.lifecycle.tasks.lanes import (
    AVAILABLE_AT_ONCE,
    RESERVED_TURN,
    group_of,
    lane_after,
    saving_of,
    turn_of,
)
from services.review_queue.lifecycle.tasks.states import label_is_gone, may_expire, state_of
from services.review_queue.lifecycle.timeline import event
from services.review_queue.lifecycle.tracing import taking_in
from services.review_queue.lifecycle.verdicts.settling import votes_that_count
from services.review_queue.projects.service import current_project
from services.review_queue.tables import OutboxRow, TaskRow
from shared import outbox
from shared.contracts.projects import Project
from shared.contracts.tasks import (
    ERASED_DETAIL,
    EVIDENCE_LANES,
    Lane,
    TaskReceipt,
    TaskReceipts,
)
from shared.db import Database
from shared.doorbells import tasks_bell

# Gets the receipts, one an entry; what it writes is committed with the tasks, or not at all.
Restore = Callable[[AsyncSession, Sequence[TaskReceipt]], Awaitable[None]]


@dataclass
class _Batch:
    """One call: who asks, when, and what it has written so far."""

    project: Project
    actor: str
    now: datetime
    trace: str | None
    restore: Restore | None
    created: set[str] = field(default_factory=set)
    known: dict[str, TaskRow] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    claimable: bool = False


@dataclass(frozen=True)
class IntakeService:
    """What the router, the trainer and operators ask people about."""

    database: Database
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    async def enqueue(
        self,
        project_name: str,
        entries: Sequence[dict[str, Any]],
        actor: str,
        restore: Restore | None = None,
    ) -> TaskReceipts:
        """Take `entries` in; the receipts are in their order, and durable.

        With `restore` no entry asks anew for a task that is there: it is let be.

        Raises
        ------
        NotFound
            There is no such project.
        """
        async with self.database.reading() as session:
            project = await current_project(session, project_name)
        checked = check_entries(project, entries)
        good = [entry for entry in checked if isinstance(entry, Entry)]
        with taking_in(project_name, (entry.task.trace for entry in good)) as trace:
            batch = _Batch(project, actor, self.now(), trace, restore)
            receipts = await self._take(batch, checked, good)
        self.nudge()
        return TaskReceipts(tasks=receipts)

    async def _take(
        self, batch: _Batch, checked: Sequence[Entry | TaskReceipt], good: Sequence[Entry]
    ) -> list[TaskReceipt]:
        async with self.database.transaction() as session:
            await self._insert(session, batch, good)
            given = iter([await self._receipt(session, batch, entry) for entry in good])
            receipts = [next(given) if isinstance(one, Entry) else one for one in checked]
            await repository.add_events(session, batch.events)
            if batch.restore is not None:
                await batch.restore(session, receipts)
            elif batch.events:
                _record(session, batch)
            if batch.claimable:
                outbox.add(session, OutboxRow, tasks_bell(batch.project.project))
        return receipts

    async def _insert(self, session: AsyncSession, batch: _Batch, entries: Sequence[Entry]) -> None:
        rows: dict[str, dict[str, Any]] = {}
        for index, entry in enumerate(entries):
            # The first of a batch is the oldest: they are asked in the order they came in.
            created_at = batch.now + timedelta(microseconds=index)
            rows.setdefault(entry.task_id, _new_row(batch, entry, created_at))
        batch.created = await repository.add_new(session, list(rows.values()))
        batch.claimable = bool(batch.created)
        for task_id in batch.created:
            row = rows[task_id]
            batch.digests[task_id] = row["data_digest"]
            detail = {"lane": row["lane"]}
            batch.events.append(event(task_id, "created", batch.actor, row["created_at"], detail))
        missing = rows.keys() - batch.created
        if missing:
            changing = any(entry.task.lane in _CHANGING for entry in entries)
            batch.known = await repository.existing(session, missing, lock=changing)
            if not changing and any(
                may_expire(row) or label_is_gone(row, batch.project) for row in batch.known.values()
            ):
                batch.known = await repository.existing(session, missing, lock=True)

    async def _receipt(self, session: AsyncSession, batch: _Batch, entry: Entry) -> TaskReceipt:
        if entry.task_id not in batch.known:
            return self._receipt_of_new(batch, entry)
        row = batch.known[entry.task_id]
        if row.erased_at is not None:
            return _refusal(row)
        if row.data_digest != entry.digest:
            # Resolved or not: an answer about other data is no answer.
            return _receipt_of(row, "conflict", batch.now, "The item is known with other data.")
        if batch.restore is None:
            await self._ask(session, batch, row, entry)
        return _receipt_of(row, "existing", batch.now)

    async def _ask(self, session: AsyncSession, batch: _Batch, row: TaskRow, entry: Entry) -> None:
        """Ask for a task that is there already: open it again if need be, or move it."""
        if row.state == "resolved":
            again = entry.task.lane == "relabel" or _after_expiry(row, entry, batch)
            # Gold needs no second opinion, and those who were tested on it would get it.
            again = again and not await is_gold(session, row.task_id)
            if again or label_is_gone(row, batch.project):
                await self._open_anew(session, batch, row, entry)
            return
        _put_expiry_off(row, entry)
        if state_of(row, batch.now) == "open":
            _move(batch, row, entry)

    def _receipt_of_new(self, batch: _Batch, entry: Entry) -> TaskReceipt:
        first = entry.task_id in batch.created
        # Taken off, so that a second entry of the same item sees that it is not the first.
        batch.created.discard(entry.task_id)
        same = batch.digests[entry.task_id] == entry.digest
        return TaskReceipt(
            item_id=entry.task.item_id,
            task_id=entry.task_id,
            status="created" if first else "existing" if same else "conflict",
            state="open",
            detail=None if same else "The item is twice in this call, with different data.",
        )

    async def _open_anew(
        self, session: AsyncSession, batch: _Batch, row: TaskRow, entry: Entry
    ) -> None:
        _ask_again(batch, row, entry)
        lane = entry.task.lane
        row.skips = 0
        if row.source == "expiry" or label_is_gone(row, batch.project):
            row.due_at = _due_at(batch.project, entry, batch.now)
            await votes_that_count(session, batch.project, row, batch.now)
            for verdict in await repository.standing(session, row.task_id):
                # What was said with a suggestion in sight is no evidence.
                if lane in EVIDENCE_LANES and not verdict.blind:
                    verdict.withdrawn_at = batch.now
        await reopen(session, row, batch.now, lane=lane)
        batch.events.append(event(row.task_id, "reopened", batch.actor, batch.now, {"lane": lane}))


def _record(session: AsyncSession, batch: _Batch) -> None:
    counts: dict[str, Any] = Counter(line["kind"] for line in batch.events)
    project = batch.project.project
    record(session, "tasks.added", batch.now, project=project, actor=batch.actor, **counts)


_CHANGING = EVIDENCE_LANES | {"relabel"}
# Rows as dictionaries: a thousand model objects take longer to make than to insert.
_NEW: dict[str, Any] = {
    "state": "open",
    "available_at": AVAILABLE_AT_ONCE,
    "lease_number": 0,
    "skips": 0,
    "adjudication": False,
    "revision": 0,
}


def _new_row(batch: _Batch, entry: Entry, created_at: datetime) -> dict[str, Any]:
    project, task = batch.project, entry.task
    due_at, prediction = _due_at(project, entry, created_at), _prediction(entry)
    return _NEW | {
        "task_id": entry.task_id,
        "project": project.project,
        "item_id": task.item_id,
        "data": task.data,
        "data_digest": entry.digest,
        "item_metadata": task.metadata,
        "prediction": prediction,
        "lane": task.lane,
        "lane_group": group_of(task.lane),
        "turn": turn_of(task.lane, due_at, created_at, saving_of(prediction)),
        "due_at": due_at,
        "created_at": created_at,
        "trace": task.trace or batch.trace,
    }


def _due_at(project: Project, entry: Entry, asked_at: datetime) -> datetime | None:
    if entry.task.due_at is None and entry.task.lane == "mandatory":
        return asked_at + timedelta(seconds=project.review.due_seconds)
    return entry.task.due_at


def _after_expiry(row: TaskRow, entry: Entry, batch: _Batch) -> bool:
    """Say whether a task that expired is asked for anew: not if the same call comes once more."""
    lane, due_at = entry.task.lane, entry.task.due_at
    return row.source == "expiry" and (lane != "optional" or due_at is None or due_at > batch.now)


def _put_expiry_off(row: TaskRow, entry: Entry) -> None:
    """Let an optional task expire when nobody wants it any more, or never where one needs it."""
    if may_expire(row):
        due_at = entry.task.due_at if entry.task.lane == "optional" else None
        row.due_at = due_at and row.due_at and max(row.due_at, due_at)


def _prediction(entry: Entry) -> dict[str, Any] | None:
    prediction = entry.task.prediction
    return None if prediction is None else prediction.model_dump(mode="json")


def _move(batch: _Batch, row: TaskRow, entry: Entry) -> None:
    current: Lane = row.lane  # type: ignore[assignment]
    lane = lane_after(current, entry.task.lane)
    if lane == current:
        return
    row.lane = lane
    row.lane_group = group_of(lane)
    _ask_again(batch, row, entry)
    # Without a turn it waits for an adjudicator, and goes on to.
    if row.turn is not None and row.turn != RESERVED_TURN:
        row.turn = turn_of(lane, row.due_at, row.created_at, saving_of(row.prediction))
    batch.claimable = True
    detail = {"from": current, "to": lane}
    batch.events.append(event(row.task_id, "moved", batch.actor, batch.now, detail))


def _ask_again(batch: _Batch, row: TaskRow, entry: Entry) -> None:
    # Evidence speaks of the draw that asked for it: its version, its propensity.
    row.prediction = _prediction(entry) or row.prediction
    row.trace = entry.task.trace or batch.trace or row.trace


def _refusal(row: TaskRow) -> TaskReceipt:
    return TaskReceipt(
        item_id=row.item_id, task_id=row.task_id, status="rejected", detail=ERASED_DETAIL
    )


def _receipt_of(row: TaskRow, status: str, now: datetime, detail: str | None = None) -> TaskReceipt:
    return TaskReceipt.model_validate(
        {
            "item_id": row.item_id,
            "task_id": row.task_id,
            "status": status,
            "state": state_of(row, now),
            # Of other data the label says nothing.
            "label": None if status == "conflict" else row.label,
            "source": None if status == "conflict" else row.source,
            "detail": detail,
        }
    )
