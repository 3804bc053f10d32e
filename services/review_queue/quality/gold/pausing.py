"""Pausing reviewers: by hand, or by what gold says of them; and resuming them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.problems import ReviewerPaused
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.gold.gold_states import GoldStates
from services.review_queue.quality.gold.messages import Evidence, Pause
from services.review_queue.quality.gold.repository import pauses, scores
from services.review_queue.quality.reviewers.trust import judge
from services.review_queue.tables.gold import PauseRow
from shared.contracts.base import rfc3339
from shared.contracts.projects import Project
from shared.db import Database, Session

# The actor of pauses that no person decided.
_BY_ITSELF = "surehand"
_TOO_LOW = "Too many answers to items whose label is known were wrong."


async def require_active(session: Session, project: str, reviewer: str) -> None:
    """Raise `ReviewerPaused` if the reviewer gets no tasks in the project."""
    row = (await pauses.standing(session, project, [reviewer])).get(reviewer)
    if row is not None:
        raise ReviewerPaused(
            f"You get no more tasks in this project until its operator resumes you: {row.reason}",
            project=project,
            reason=row.reason,
            paused_at=rfc3339(row.paused_at),
        )


async def pause_if_too_low(
    session: Session, project: Project, reviewer: str, now: datetime
) -> bool:
    """Pause the reviewer if the accuracy on gold is credibly too low; say whether it was.

    Answers from before the reviewer was last resumed do not count again.
    """
    least = project.review.least_accuracy
    if least is None:
        return False
    resumed = await pauses.resumptions(session, project.project, reviewer)
    score = await scores.score_of(session, project, reviewer, resumed.get(reviewer))
    evidence = judge(score, least)
    if evidence is None:
        return False
    return await _pause(session, project.project, reviewer, _TOO_LOW, now, evidence=evidence)


async def _pause(
    session: Session,
    project: str,
    reviewer: str,
    reason: str,
    now: datetime,
    *,
    by: str | None = None,
    evidence: Evidence | None = None,
) -> bool:
    row = {
        "project": project,
        "reviewer": reviewer,
        "reason": reason,
        "paused_by": by,
        "paused_at": now,
        **({} if evidence is None else {"evidence": evidence.model_dump()}),
    }
    paused = await pauses.add(session, row)
    if paused:
        told: dict[str, Any] = {"project": project, "target": reviewer, "reason": reason}
        record(session, "reviewer.paused", now, actor=by or _BY_ITSELF, **told)
    return paused


def pause_message(row: PauseRow) -> Pause:
    """Return a pause as operators see it."""
    return Pause.model_validate(row.model_dump(include=set(Pause.model_fields)))


@dataclass(frozen=True)
class PauseService:
    """What operators do: pause and resume. Both may be repeated, and then change nothing."""

    database: Database
    gold_states: GoldStates
    now: Callable[[], datetime]

    async def pause(self, project: str, reviewer: str, reason: str, actor: str) -> None:
        """Give the reviewer no more tasks; those held may be finished. `NotFound`: no project."""
        async with self.database.transaction() as session:
            await current_project(session, project)
            await _pause(session, project, reviewer, reason, self.now(), by=actor)
        self.gold_states.forget(project)

    async def resume(self, project: str, reviewer: str, actor: str) -> None:
        """Give the reviewer tasks again; `NotFound`: no project."""
        async with self.database.transaction() as session:
            await current_project(session, project)
            if await pauses.end(session, project, reviewer, actor, now := self.now()):
                told: dict[str, Any] = {"project": project, "target": reviewer, "actor": actor}
                record(session, "reviewer.resumed", now, **told)
        self.gold_states.forget(project)
