"""Verdicts as use cases: submit, skip, release, renew."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.review_queue.lifecycle.leases import repository as leases
from services.review_queue.lifecycle.leases.messages import Renewal
from services.review_queue.lifecycle.leases.times import LeaseTimes
from services.review_queue.lifecycle.metrics import VERDICTS
from services.review_queue.lifecycle.outcomes.revisions import (
    leave_to_adjudicator,
    open_again,
    outcome_message,
)
from services.review_queue.lifecycle.tasks.lanes import AVAILABLE_AT_ONCE
from services.review_queue.lifecycle.tasks.messages import EventKind
from services.review_queue.lifecycle.tasks.repository import add_events
from services.review_queue.lifecycle.timeline import event
from services.review_queue.lifecycle.verdicts.gathered import GatheredVerdicts
from services.review_queue.lifecycle.verdicts.holding import Held, body_digest, is_token, present
from services.review_queue.lifecycle.verdicts.learning import KnownReviewers
from services.review_queue.lifecycle.verdicts.settling import Answered, settled_lines
from services.review_queue.projects.service import current_project
from services.review_queue.tables import OutcomeRow, TaskRow, VerdictRow
from shared.auth import Principal
from shared.contracts.projects import Project
from shared.contracts.tasks import LeaseProgress, SkipBody, TaskProgress, VerdictBody
from shared.db import Database
from shared.problems import Unprocessable
from shared.tracing import link, note, traced


def require_label(project: Project, label: str) -> None:
    """Raise `Unprocessable` unless `label` is one of the project's, as they are now."""
    if label not in project.labels:
        raise Unprocessable([("/label", "is not a label of this project")])


def progress_of(task: TaskRow, outcome: OutcomeRow | None) -> TaskProgress:
    """Return what became of `task`."""
    return TaskProgress(
        task_id=task.task_id,
        state=task.state,  # type: ignore[arg-type]
        outcome=None if outcome is None else outcome_message(outcome, task),
    )


@dataclass(frozen=True)
class VerdictService:
    """What holders of leases do. Each call is one transaction, and may be repeated.

    All raise `NotFound` (not a token), `Forbidden` (another project's), `LeaseExpired` (expired,
    or somebody else's) and `Conflict` (used before, otherwise).
    """

    database: Database
    times: LeaseTimes
    known: KnownReviewers
    gathered: GatheredVerdicts
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    @traced("verdict", kind="server")
    async def submit(self, token: str, body: VerdictBody, who: Principal) -> LeaseProgress:
        """Give a verdict; `Unprocessable` when its label is not the project's."""
        taken = await self.gathered.give(token, body, who) if is_token(token) else None
        if taken is not None:
            note(project=taken.project)
            link([taken.trace])
            VERDICTS.labels(taken.project, "verdict").inc()
            self.nudge()
            return taken.progress
        digest = body_digest(body)
        async with self.database.transaction() as session:
            held = await present(session, token, who, self.now())
            if (answered := await held.repeated("verdict", digest)) is not None:
                return answered
            await held.require_live()
            project = await current_project(session, held.task.project)
            require_label(project, body.label)
            blind = await _is_blind(held)
            session.add(
                _verdict(
                    held,
                    blind=blind,
                    skipped=False,
                    label=body.label,
                    comment=body.comment,
                    active_seconds=body.active_seconds,
                )
            )
            outcome = await self._answered(held, project).by_verdict(body.label, blind=blind)
            held.end("verdict", digest, outcome)
            await _record(held, "verdict", {"label": body.label}, outcome)
            progress = held.progress(outcome)
        VERDICTS.labels(project.project, "verdict").inc()
        self.nudge()
        return progress

    @traced("skip", kind="server")
    async def skip(self, token: str, body: SkipBody, who: Principal) -> LeaseProgress:
        """Leave the task to others, to oneself later, or to an adjudicator."""
        digest = body_digest(body)
        async with self.database.transaction() as session:
            held = await present(session, token, who, self.now())
            if (answered := await held.repeated("skip", digest)) is not None:
                return answered
            await held.require_live()
            project = await current_project(session, held.task.project)
            blind = await _is_blind(held)
            outcome = await self._skipped(held, project, body, blind=blind)
            held.end("skip", digest, outcome)
            detail = {"reason": body.reason} | ({} if body.to == "others" else {"to": body.to})
            await _record(held, "skipped", detail, outcome)
            progress = held.progress(outcome)
        VERDICTS.labels(project.project, "skip").inc()
        self.nudge()
        return progress

    async def _skipped(
        self, held: Held, project: Project, body: SkipBody, *, blind: bool
    ) -> OutcomeRow | None:
        task = held.task
        if body.to == "me":
            # No answer at all: it waits for him alone as long as a lease lasts, behind all others.
            lasts = await self.times.of(held.session, project)
            until = held.now + lasts
            open_again(held.session, task, reserve=(held.lease.reviewer, until), first=False)
            return None
        held.session.add(_verdict(held, blind=blind, skipped=True, comment=body.reason or None))
        if body.to == "adjudicator":
            task.skips += 1
            leave_to_adjudicator(task)
            return None
        return await self._answered(held, project).by_skip()

    def _answered(self, held: Held, project: Project) -> Answered:
        read, known = held.lease.instructions_revision, self.known.of(project)
        return Answered(held.session, project, held.task, read, held.now, known)

    async def release(self, token: str, who: Principal) -> LeaseProgress:
        """Give the task back at once."""
        async with self.database.transaction() as session:
            held = await present(session, token, who, self.now())
            if (answered := await held.repeated("release", body_digest(None))) is not None:
                return answered
            await held.require_live()
            # His before all others once more: no sooner and no later for being evidence.
            open_again(session, held.task, reserve=(held.lease.reviewer, AVAILABLE_AT_ONCE))
            held.end("release", body_digest(None))
            await _record(held, "released", {}, None)
            progress = held.progress()
        self.nudge()
        return progress

    async def renew(self, token: str, who: Principal) -> Renewal:
        """Let the lease last as long again, from now on."""
        async with self.database.transaction() as session:
            held = await present(session, token, who, self.now())
            await held.require_live()
            project = await current_project(session, held.task.project)
            expires_at = held.now + await self.times.of(session, project)
            held.lease.expires_at = held.task.available_at = expires_at
        return Renewal(token=token, expires_at=expires_at)


def _verdict(held: Held, *, blind: bool, skipped: bool, **answer: Any) -> VerdictRow:
    return VerdictRow(
        task_id=held.task.task_id,
        reviewer=held.lease.reviewer,
        recorded_by=held.lease.reviewer,
        token=held.lease.token,
        skipped=skipped,
        blind=blind,
        instructions_revision=held.lease.instructions_revision,
        given_at=held.now,
        **answer,
    )


async def _is_blind(held: Held) -> bool:
    """Say whether the reviewer has learned nothing of others' answers, nor of the model's."""
    if held.lease.suggestion_shown:
        return False
    if held.lease.number == 1:
        return True
    # Under an earlier lease, before the task moved to a blind lane or he took his answer back.
    return not await leases.has_seen(held.session, held.task.task_id, held.lease.reviewer)


async def _record(
    held: Held, kind: EventKind, detail: dict[str, str], outcome: OutcomeRow | None
) -> None:
    line = event(held.task.task_id, kind, held.lease.reviewer, held.now, detail)
    await add_events(held.session, [line, *settled_lines(held.task, outcome, held.now)])
