"""Answers of an import, written in the transaction that takes its tasks in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.review_queue.activity import recording
from services.review_queue.exchange import repository
from services.review_queue.exchange.records import GivenVerdict, TaskRecord
from services.review_queue.exchange.standing import Answer, Standing, standing_of
from services.review_queue.lifecycle.leases.ending import end_expired
from services.review_queue.lifecycle.tasks import repository as tasks
from services.review_queue.lifecycle.tasks.lanes import RESERVED_TURN, turn_of
from services.review_queue.lifecycle.tasks.messages import EventKind
from services.review_queue.lifecycle.tasks.states import state_of
from services.review_queue.lifecycle.timeline import event
from services.review_queue.tables import OutboxRow, TaskRow
from shared import outbox
from shared.contracts.projects import Project
from shared.contracts.tasks import TaskReceipt
from shared.db import Session
from shared.doorbells import outcomes_bell

_HELD = "a reviewer holds the task at present; send the row again later"


@dataclass
class Restoration:
    """The answers of one batch; `records` are those of its entries, in their order.

    A task that the batch brings stands as its record says. One that was there gets the answers of
    those reviewers who have none on it, taken back or not, unless it is resolved; else it is let
    be. `refused` says which entries' answers could not be taken, and why. The activity log gets one
    line a batch, which all name their import.
    """

    project: Project
    records: Sequence[TaskRecord]
    actor: str
    now: datetime
    import_id: str
    answers: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    _tasks: list[dict[str, Any]] = field(default_factory=list)
    _verdicts: list[dict[str, Any]] = field(default_factory=list)
    _outcomes: list[dict[str, Any]] = field(default_factory=list)
    _events: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, session: Session, receipts: Sequence[TaskReceipt]) -> None:
        """Write what is to be restored behind `receipts`."""
        new: dict[str, int] = {}
        there: dict[str, int] = {}
        for place, receipt in enumerate(receipts):
            record = self.records[place]
            if receipt.status == "created" and record.says_more:
                new[str(receipt.task_id)] = place
            elif receipt.status == "existing" and record.verdicts:
                there.setdefault(str(receipt.task_id), place)
        # An item that is twice in the batch: its first record stands.
        created = {one.task_id for one in receipts if one.status == "created"}
        there = {task_id: place for task_id, place in there.items() if task_id not in created}
        if new or there:
            rows = await tasks.existing(session, [*new, *there], lock=True)
            for task_id, place in new.items():
                self._bring(rows[task_id], self.records[place])
            if there:
                await self._add(session, {rows[one].task_id: rows[one] for one in there}, there)
            await self._write(session)
        self._record(session, len(created))

    def _record(self, session: Session, created: int) -> None:
        if created or self.answers:
            recording.record(
                session,
                "tasks.imported",
                self.now,
                project=self.project.project,
                target=self.import_id,
                actor=self.actor,
                created=created,
                answers=self.answers,
            )

    def _bring(self, task: TaskRow, record: TaskRecord) -> None:
        created_at = record.created_at or task.created_at
        skips = sum(one.skipped for one in record.verdicts)
        standing = self._standing(record, record.verdicts, skips)
        turn = turn_of(record.lane, task.due_at, created_at)
        revision = max(record.revision, standing.resolved)
        self._restore(task, standing, turn=turn, skips=skips, revision=revision, at=created_at)
        self._answer(task, record.verdicts, record.verdicts, standing, revision)

    async def _add(
        self, session: Session, rows: dict[str, TaskRow], places: dict[str, int]
    ) -> None:
        answered = await repository.have_answered(session, rows)
        kept = await repository.standing(session, rows)
        changed = []
        for task_id, task in rows.items():
            state, record = state_of(task, self.now), self.records[places[task_id]]
            fresh = [one for one in record.verdicts if (task_id, one.reviewer) not in answered]
            if state == "leased" and fresh:
                self.refused[places[task_id]] = _HELD
            elif state == "open" and fresh:
                answers: list[Answer] = [
                    one for one in kept if one.task_id == task_id and self._counts(one)
                ]
                answers += fresh
                self._join(task, record, fresh, answers)
                changed.append(task_id)
        # What ended before is told first.
        self._events[:0] = await end_expired(session, changed, self.now)

    def _counts(self, answer: Answer) -> bool:
        # One for a label that the project has no more does not.
        return answer.skipped or answer.label in self.project.labels

    def _join(
        self,
        task: TaskRow,
        record: TaskRecord,
        fresh: Sequence[GivenVerdict],
        answers: Sequence[Answer],
    ) -> None:
        skips = task.skips + sum(one.skipped for one in fresh)
        # What the record says of an adjudicator was said of its own answers, not of all together.
        waits = bool(task.adjudication or record.adjudication) and record.label is None
        merged = record.model_copy(update={"adjudication": waits or None})
        standing = self._standing(merged, answers, skips)
        turn, revision = task.turn or RESERVED_TURN, task.revision + standing.resolved
        self._restore(task, standing, turn=turn, skips=skips, revision=revision, at=task.created_at)
        self._answer(task, fresh, answers, standing, revision)

    def _standing(self, record: TaskRecord, answers: Sequence[Answer], skips: int) -> Standing:
        review = self.project.review
        exhausted = skips >= review.max_overlap
        return standing_of(record, answers, review=review, exhausted=exhausted, now=self.now)

    def _restore(
        self,
        task: TaskRow,
        standing: Standing,
        *,
        turn: int,
        skips: int,
        revision: int,
        at: datetime,
    ) -> None:
        self._tasks.append(
            {
                "task_id": task.task_id,
                "state": "resolved" if standing.resolved else "open",
                "turn": None if standing.resolved or standing.disputed else turn,
                "adjudication": standing.disputed,
                "holder": None,
                "reserved_for": None if standing.resolved else task.reserved_for,
                "label": standing.label,
                "source": standing.source,
                "resolved_at": standing.resolved_at,
                "skips": skips,
                "revision": revision,
                "created_at": at,
            }
        )

    def _answer(
        self,
        task: TaskRow,
        fresh: Sequence[GivenVerdict],
        answers: Sequence[Answer],
        standing: Standing,
        revision: int,
    ) -> None:
        self.answers += len(fresh)
        # A reviewer votes once: an earlier label of his is kept as one that he took back.
        last = {one.reviewer: place for place, one in enumerate(fresh) if one.label is not None}
        for place, one in enumerate(fresh):
            at = one.given_at or standing.resolved_at or self.now
            taken_back = one.label is not None and last[one.reviewer] != place
            self._verdicts.append(
                {
                    "task_id": task.task_id,
                    "recorded_by": self.actor,
                    **one.model_dump(),
                    "given_at": at,
                    "withdrawn_at": at if taken_back else None,
                }
            )
            said = {"reason": one.comment or ""} if one.skipped else {"label": one.label}
            kind: EventKind = "skipped" if one.skipped else "verdict"
            detail = {**said, "recorded_by": self.actor}
            self._events.append(event(task.task_id, kind, one.reviewer, at, detail))
        if standing.resolved_at is not None:
            self._outcomes.append(self._outcome(task, answers, standing, revision))
            final = {"label": standing.label, "revision": revision, "recorded_by": self.actor}
            self._events.append(event(task.task_id, "resolved", None, standing.resolved_at, final))

    def _outcome(
        self, task: TaskRow, answers: Sequence[Answer], standing: Standing, revision: int
    ) -> dict[str, Any]:
        counted = [one for one in answers if one.skipped == (standing.label is None)]
        # As where people answer here: what the last one had read.
        read = [one.instructions_revision for one in counted if one.instructions_revision]
        return {
            "project": task.project,
            "task_id": task.task_id,
            "revision": revision,
            "lane": task.lane,
            "label": standing.label,
            "source": standing.source,
            "verdicts": len({one.reviewer for one in counted}),
            "blind": bool(answers) and all(one.blind for one in answers),
            "prediction": task.prediction,
            "instructions_revision": [self.project.instructions_revision, *read][-1],
            "resolved_at": standing.resolved_at,
        }

    async def _write(self, session: Session) -> None:
        await repository.restore(session, self._tasks)
        await repository.add_verdicts(session, self._verdicts)
        await repository.add_outcomes(session, self._outcomes)
        await tasks.add_events(session, self._events)
        if self._outcomes:
            outbox.add(session, OutboxRow, outcomes_bell(self.project.project))
