"""Taking tasks in: up to a thousand at once, each with a receipt."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle import lanes, states
from services.review_queue.lifecycle.entries import Entry, check_entry
from services.review_queue.lifecycle.needs import NO_NEEDS, needs_of
from services.review_queue.lifecycle.repository import gold, reading, writing
from services.review_queue.lifecycle.rules import Change, own_turn
from services.review_queue.lifecycle.settlement import votes_that_count
from services.review_queue.lifecycle.tracing import taking_in
from services.review_queue.lifecycle.withdrawals import is_needed_too
from services.review_queue.projects.reading import open_project
from shared.contracts.projects import Project
from shared.contracts.tasks import ERASED_DETAIL, EVIDENCE_LANES, Lane, TaskReceipt, TaskReceipts
from shared.db import Database, Session

# Gets the receipts, one an entry; what it writes is committed with the tasks, or not at all.
Restore = Callable[[Session, Sequence[TaskReceipt]], Awaitable[None]]


@dataclass
class _Batch:
    """One call: who asks, when, and what it has written so far."""

    project: Project
    actor: str
    now: datetime
    trace: str | None
    restore: Restore | None
    created: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)
    known: dict[str, states.Task] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[str, Change] = field(default_factory=dict)
    asked_again: dict[str, dict[str, Any]] = field(default_factory=dict)

    def change(self, task: states.Task) -> Change:
        """Return what becomes of a known task by this call."""
        return self.changes.setdefault(task.task_id, Change(task, self.now))


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

        Raises `NotFound` (there is no such project) and `ProjectArchived`.
        """
        async with self.database.reading() as session:
            project = await open_project(session, project_name)
        checked = [check_entry(project, entry) for entry in entries]
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
            await writing.add_events(session, batch.events)
            await writing.ask_again(session, list(batch.asked_again.values()))
            await writing.write(session, list(batch.changes.values()))
            if batch.restore is not None:
                await batch.restore(session, receipts)
            else:
                _record(session, batch)
            if batch.created:
                writing.ring_for_tasks(session, batch.project.project)
        return receipts

    async def _insert(self, session: Session, batch: _Batch, entries: Sequence[Entry]) -> None:
        rows: dict[str, dict[str, Any]] = {}
        for index, entry in enumerate(entries):
            # The first of a batch is the oldest: they are asked in the order they came in.
            created_at = batch.now + timedelta(microseconds=index)
            rows.setdefault(entry.task_id, _new_row(batch, entry, created_at))
        batch.created = await writing.add_new(session, list(rows.values()))
        batch.unseen = set(batch.created)
        for task_id in batch.created:
            row = rows[task_id]
            batch.digests[task_id] = row["data_digest"]
            at, detail = row["created_at"], {"lane": row["lane"]}
            batch.events.append(states.timeline_entry(task_id, "created", batch.actor, at, detail))
        missing = rows.keys() - batch.created
        if missing:
            known = await reading.tasks(session, missing, lock=False)
            asked = [(known[one.task_id], one) for one in entries if one.task_id in known]
            if any(states.may_change(task, one.task.lane, batch.project) for task, one in asked):
                known = await reading.tasks(session, missing, lock=True)
            batch.known = known

    async def _receipt(self, session: Session, batch: _Batch, entry: Entry) -> TaskReceipt:
        if entry.task_id not in batch.known:
            return self._receipt_of_new(batch, entry)
        task = batch.known[entry.task_id]
        if task.erased_at is not None:
            return TaskReceipt(
                item_id=task.item_id, task_id=task.task_id, status="rejected", detail=ERASED_DETAIL
            )
        if task.data_digest != entry.digest:
            # Resolved or not: an answer about other data is no answer.
            return _receipt_of(task, "conflict", batch.now, "The item is known with other data.")
        if batch.restore is None:
            await self._ask(session, batch, task, entry)
        return _receipt_of(task, "existing", batch.now)

    async def _ask(self, session: Session, batch: _Batch, task: states.Task, entry: Entry) -> None:
        """Ask for a task that is there already: open it again if need be, or move it."""
        if task.state == "resolved":
            again = await reading.relabels(session, task, entry.task) or states.is_wanted_again(
                task, entry.task.lane, entry.task.due_at, batch.now
            )
            # Gold needs no second opinion: it would come to reviewers who were tested on it.
            again = again and not await gold.is_gold(session, task.project, task.task_id)
            if again or states.label_is_gone(task, batch.project):
                await self._open_anew(session, batch, task, entry)
            return
        _put_expiry_off(batch, task, entry)
        lane = lanes.lane_after(task.lane, entry.task.lane)
        if lane != task.lane and states.state_of(task, batch.now) == "open":
            _move(batch, task, entry, lane)
        elif await is_needed_too(session, task, entry.task.lane):
            batch.change(task).tell("asked", batch.actor, {"lane": entry.task.lane})

    def _receipt_of_new(self, batch: _Batch, entry: Entry) -> TaskReceipt:
        first = entry.task_id in batch.unseen
        # Taken off, so that a second entry of the same item sees that it is not the first.
        batch.unseen.discard(entry.task_id)
        same = batch.digests[entry.task_id] == entry.digest
        return TaskReceipt(
            item_id=entry.task.item_id,
            task_id=entry.task_id,
            status="created" if first else "existing" if same else "conflict",
            state="open",
            detail=None if same else "The item is twice in this call, with different data.",
        )

    async def _open_anew(
        self, session: Session, batch: _Batch, task: states.Task, entry: Entry
    ) -> None:
        _ask_again(batch, task, entry)
        lane, change = entry.task.lane, batch.change(task)
        history = (await reading.histories(session, [task.task_id]))[task.task_id]
        task.skips = 0
        if not states.is_reviewed(task) or states.label_is_gone(task, batch.project):
            task.due_at = _due_at(batch, entry, batch.now)
            votes_that_count(change, batch.project, history)
            for answer in history.standing:
                # What was said with a suggestion in sight is no evidence.
                if lane in EVIDENCE_LANES and not answer.blind:
                    change.withdraw(answer)
        change.reopen(history, lane=lane)
        change.tell("reopened", batch.actor, {"lane": lane})


def _record(session: Session, batch: _Batch) -> None:
    told = [*batch.events, *(event for one in batch.changes.values() for event in one.events)]
    counts: dict[str, Any] = Counter(event["kind"] for event in told if event["actor"])
    if counts:
        project = batch.project.project
        record(session, "tasks.added", batch.now, project=project, actor=batch.actor, **counts)


# Rows as dictionaries: a thousand model objects take longer to make than to insert.
NEW_ROW: dict[str, Any] = {
    "state": "open",
    "needs": NO_NEEDS,
    "available_at": lanes.AVAILABLE_AT_ONCE,
    "lease_number": 0,
    "skips": 0,
    "adjudication": False,
    "second_opinion": False,
    "revision": 0,
}


def _new_row(batch: _Batch, entry: Entry, created_at: datetime) -> dict[str, Any]:
    project, task = batch.project, entry.task
    due_at, saving = _due_at(batch, entry, created_at), lanes.saving_of(_confidence(entry))
    return NEW_ROW | {
        "task_id": entry.task_id,
        "project": project.project,
        "item_id": task.item_id,
        "data": task.data,
        "data_digest": entry.digest,
        "item_metadata": task.metadata,
        "needs": needs_of(task.metadata, project.review.match),
        "prediction": _prediction(entry),
        "lane": task.lane,
        "lane_group": lanes.group_of(task.lane, due_at),
        "turn": lanes.turn_of(task.lane, due_at, created_at, saving),
        "due_at": due_at,
        "created_at": created_at,
        "trace": task.trace or batch.trace,
    }


def _due_at(batch: _Batch, entry: Entry, asked_at: datetime) -> datetime | None:
    return lanes.due_of(entry.task.lane, entry.task.due_at, batch.project.review, asked_at)


def _put_expiry_off(batch: _Batch, task: states.Task, entry: Entry) -> None:
    """Let an optional task expire when it is wanted no more, or never where a lane needs it."""
    if states.may_expire(task):
        due_at = entry.task.due_at if entry.task.lane == "optional" else None
        batch.change(task).task.due_at = due_at and task.due_at and max(task.due_at, due_at)
        if task.turn is not None and task.turn != lanes.RESERVED_TURN:
            task.turn = own_turn(task)


def _prediction(entry: Entry) -> dict[str, Any] | None:
    prediction = entry.task.prediction
    return None if prediction is None else prediction.model_dump(mode="json")


def _confidence(entry: Entry) -> float | None:
    return None if entry.task.prediction is None else entry.task.prediction.confidence


def _move(batch: _Batch, task: states.Task, entry: Entry, lane: Lane) -> None:
    if lane == "mandatory":
        task.due_at = _due_at(batch, entry, batch.now)
    _ask_again(batch, task, entry)
    batch.change(task).move(lane, batch.actor)


def _ask_again(batch: _Batch, task: states.Task, entry: Entry) -> None:
    # Evidence speaks of the draw that asked for it: its version, its propensity.
    asked = batch.asked_again.setdefault(task.task_id, {"task_id": task.task_id})
    if entry.task.prediction is not None:
        asked["prediction"], task.confidence = _prediction(entry), _confidence(entry)
    asked["trace"] = entry.task.trace or batch.trace or asked.get("trace")


def _receipt_of(
    task: states.Task, status: str, now: datetime, detail: str | None = None
) -> TaskReceipt:
    state = states.state_of(task, now)
    return TaskReceipt.model_validate(
        {
            "item_id": task.item_id,
            "task_id": task.task_id,
            "status": status,
            "state": state,
            # Of other data the label says nothing.
            "label": None if status == "conflict" else task.label,
            "source": None if status == "conflict" else task.source,
            "detail": detail,
            "expires_at": task.due_at if state != "resolved" and states.may_expire(task) else None,
        }
    )
