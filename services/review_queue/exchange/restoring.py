"""Answers of an import, written in the transaction that takes its tasks in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.review_queue.activity import recording
from services.review_queue.exchange.imported_state import AnyAnswer, ImportedState, imported_state
from services.review_queue.exchange.records import GivenVerdict, TaskRecord
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write, write_creation
from services.review_queue.lifecycle.rules import Change, own_turn
from services.review_queue.lifecycle.states import Ground, History, state_of
from shared.contracts.projects import Project
from shared.contracts.tasks import TaskReceipt
from shared.db import Session

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
    _changes: list[Change] = field(default_factory=list)

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
            tasks = await reading.tasks(session, [*new, *there], lock=True)
            for task_id, place in new.items():
                self._bring(Change(tasks[task_id], self.now), self.records[place])
            histories = await reading.histories(session, list(there))
            for task_id, place in there.items():
                self._add(Change(tasks[task_id], self.now), place, histories[task_id])
            await write(session, self._changes)
            dated = (task_id for task_id, place in new.items() if self.records[place].created_at)
            await write_creation(session, [tasks[task_id] for task_id in dated])
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

    def _bring(self, change: Change, record: TaskRecord) -> None:
        task = change.task
        task.created_at = record.created_at or task.created_at
        task.turn = own_turn(task)
        task.skips = sum(one.skipped for one in record.verdicts)
        task.revision = record.revision
        self._restore(change, record, record.verdicts, record.verdicts, max(record.revision, 1))

    def _add(self, change: Change, place: int, history: History) -> None:
        task, record = change.task, self.records[place]
        answered = {one.reviewer for one in history.answers}
        fresh = [one for one in record.verdicts if one.reviewer not in answered]
        state = state_of(task, self.now)
        if state == "leased" and fresh:
            self.refused[place] = _HELD
        elif state == "open" and fresh:
            # What ended before is told first.
            change.supersede(history.leases)
            read = {one.token: one.instructions_revision for one in history.leases}
            kept = [one for one in history.standing if self._counts(one)]
            for one in kept:
                one.instructions_revision = one.instructions_revision or read.get(one.token or "")
            task.skips += sum(one.skipped for one in fresh)
            # What the record says of an adjudicator was said of its own answers, not of all.
            waits = bool(task.adjudication or record.adjudication) and record.label is None
            merged = record.model_copy(update={"adjudication": waits or None})
            self._restore(change, merged, fresh, [*kept, *fresh], task.revision + 1)

    def _counts(self, answer: AnyAnswer) -> bool:
        # One for a label that the project no longer has does not.
        return answer.skipped or answer.label in self.project.labels

    def _restore(
        self,
        change: Change,
        record: TaskRecord,
        fresh: Sequence[GivenVerdict],
        answers: Sequence[AnyAnswer],
        revision: int,
    ) -> None:
        task, review = change.task, self.project.review
        exhausted = task.skips >= review.max_overlap
        state = imported_state(record, answers, review=review, exhausted=exhausted, now=self.now)
        self._answer(change, fresh, state)
        if state.resolved and state.source is not None:
            change.resolve(
                state.label,
                self._ground(answers, state),
                state.source,
                at=state.resolved_at,
                revision=revision,
                detail={"recorded_by": self.actor},
            )
        elif state.disputed:
            change.dispute()
        elif task.turn is None:
            change.open_again()
        else:
            task.state, task.holder = "open", None
        self._changes.append(change)

    def _answer(self, change: Change, fresh: Sequence[GivenVerdict], state: ImportedState) -> None:
        self.answers += len(fresh)
        # A reviewer votes once: an earlier label of theirs is kept as one that was taken back.
        last = {one.reviewer: place for place, one in enumerate(fresh) if one.label is not None}
        for place, one in enumerate(fresh):
            at = one.given_at or state.resolved_at or self.now
            taken_back = one.label is not None and last[one.reviewer] != place
            change.verdicts.append(
                {
                    "task_id": change.task.task_id,
                    "recorded_by": self.actor,
                    **one.model_dump(),
                    "given_at": at,
                    "withdrawn_at": at if taken_back else None,
                }
            )
            said = {"reason": one.comment or ""} if one.skipped else {"label": one.label}
            detail = {**said, "recorded_by": self.actor}
            change.tell("skipped" if one.skipped else "verdict", one.reviewer, detail, at=at)

    def _ground(self, answers: Sequence[AnyAnswer], state: ImportedState) -> Ground:
        counted = [one for one in answers if one.skipped == (state.label is None)]
        # As where people answer here: what the last one had read.
        read = [one.instructions_revision for one in counted if one.instructions_revision]
        return Ground(
            len({one.reviewer for one in counted}),
            bool(answers) and all(one.blind for one in answers),
            [self.project.instructions_revision, *read][-1],
        )
