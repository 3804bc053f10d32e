"""Answers to probes, and their other moves. To the reviewer a probe is a lease like any other.

The rules of leases decide about the task that the item seems to be. Nothing is written to the task
itself, to its timeline or to the outcomes: an answer to gold tells of the reviewer alone.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial

from services.review_queue.lifecycle.lease_times import LeaseTimes
from services.review_queue.lifecycle.moves import Move, Moved
from services.review_queue.lifecycle.presenting import PresentedLease
from services.review_queue.lifecycle.repository.writing import ring_for_tasks
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Answer, History, Lease, Outcome, Task
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.gold.gold_states import GoldStates
from services.review_queue.quality.gold.pausing import pause_if_too_low
from services.review_queue.quality.gold.repository import probes, scores
from services.review_queue.tables import TaskRow
from services.review_queue.tables.gold import ProbeRow
from shared.contracts.projects import Project
from shared.contracts.tasks import SkipBody, VerdictBody
from shared.db import Session


async def use_probe(
    times: LeaseTimes, gold_states: GoldStates, session: Session, move: Move, now: datetime
) -> Moved | None:
    """Use a probe as if it were a lease; None where the token is no probe's.

    An answer pauses the reviewer if it is one wrong answer too many.
    """
    found = await probes.lock(session, move.token)
    if found is None:
        return None
    probe, task = found
    project = await current_project(session, probe.project)
    newest = await probes.newest_of(session, probe)
    presented = PresentedLease(
        Change(_seeming_task(newest, task), now),
        _seeming_lease(probe),
        project,
        move.action,
        move.who,
        _seeming_history(probe, newest),
        lasts=await times.of(session, project),
    )
    answer = presented.use()
    changed, paused = bool(presented.change.leases), False
    if changed:
        _keep(probe, presented, now)
        await session.flush()
        if isinstance(move.action, VerdictBody):
            paused = await pause_if_too_low(session, project, probe.reviewer, now)
        if isinstance(move.action, VerdictBody | SkipBody):
            await _ring_if_onboarding(session, project, probe)
    moved = Moved(answer, probe.project, task.trace, changed)
    forget = partial(gold_states.forget, probe.project)
    return replace(moved, committed=forget) if paused else moved


def _seeming_task(newest: ProbeRow, task: TaskRow) -> Task:
    """Return the task as the reviewer has met it, by the newest probe of the item."""
    resolved = newest.ending in {"verdict", "skip"} and newest.state_after == "resolved"
    return Task(
        task_id=newest.task_id,
        project=newest.project,
        item_id=task.item_id,
        data_digest=task.data_digest,
        lane="mandatory",
        state="leased" if newest.ending is None else "resolved" if resolved else "open",
        available_at=newest.expires_at,
        holder=newest.reviewer,
        lease_number=newest.number,
        created_at=newest.leased_at,
        skips=int(newest.skipped),
        revision=newest.revision,
        label=newest.label if resolved else None,
        source="human" if resolved else None,
        resolved_at=newest.ended_at if resolved else None,
        erased_at=task.erased_at,
    )


def _seeming_lease(probe: ProbeRow) -> Lease:
    # What an undo took back is kept in `state_after`.
    resolved = probe.state_after == "resolved"
    return Lease(
        token=probe.token,
        task_id=probe.task_id,
        number=probe.number,
        reviewer=probe.reviewer,
        expires_at=probe.expires_at,
        suggestion_shown=probe.suggestion is not None,
        instructions_revision=probe.instructions_revision,
        ending=probe.ending,
        body_digest=probe.body_digest,
        state_after="resolved" if resolved and probe.ending != "undo" else "open",
        revision_after=probe.revision,
        outcome_revision=probe.revision if resolved else None,
    )


def _seeming_history(probe: ProbeRow, newest: ProbeRow) -> History:
    answers = []
    if probe.ending == "verdict" or probe.skipped:
        label = None if probe.skipped else probe.label
        answers.append(Answer(None, probe.task_id, probe.reviewer, label, True, probe.token))
    outcomes = {one.revision: _seeming_outcome(one) for one in (newest, probe)}
    return History(answers=answers, outcomes=outcomes)


def _seeming_outcome(probe: ProbeRow) -> Outcome:
    label = None if probe.ending == "undo" else probe.label
    moment = probe.ended_at or probe.leased_at
    return Outcome(probe.task_id, probe.revision, label, 1, True, 1, moment)


def _keep(probe: ProbeRow, presented: PresentedLease, now: datetime) -> None:
    """Write down what the reviewer did and was told."""
    action, task, lease = presented.action, presented.change.task, presented.lease
    probe.expires_at = lease.expires_at
    if lease.ending is None:
        return
    probe.ending, probe.ended_at, probe.body_digest = lease.ending, now, lease.body_digest
    probe.revision = task.revision
    if action == "undo":
        probe.state_after = "resolved" if probe.state_after == "resolved" else "open"
    else:
        probe.state_after = "adjudication" if task.adjudication else task.state
    probe.skipped = isinstance(action, SkipBody) and action.to != "me"
    if isinstance(action, VerdictBody):
        probe.label, probe.comment = action.label, action.comment
        probe.active_seconds = action.active_seconds
    elif isinstance(action, SkipBody):
        probe.comment = action.reason or None


async def _ring_if_onboarding(session: Session, project: Project, probe: ProbeRow) -> None:
    """Wake a newcomer who waits: for real work beside the last test, or for what was skipped."""
    wanted = project.review.onboarding_tasks
    if not wanted:
        return
    found = await scores.ever_answered(session, probe.project, [probe.reviewer])
    answered = found.get(probe.reviewer, 0)
    if answered == wanted or (probe.ending == "skip" and answered < wanted):
        ring_for_tasks(session, probe.project)
