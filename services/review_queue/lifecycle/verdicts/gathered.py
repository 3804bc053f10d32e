"""Plain verdicts, all that wait in one transaction: the way of nearly all of them.

Plain is the first use of a live lease, where one opinion is enough. All else, and whatever is not
to be taken at all, is left to `VerdictService`, which finds the same or says what is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.batches import BatchQueue, BatchScheduler, Decision
from services.review_queue.lifecycle.verdicts import bulk
from services.review_queue.lifecycle.verdicts.holding import body_digest
from services.review_queue.projects.cache import ProjectCache
from services.review_queue.repository.pipelining import Rows, Statement
from shared.auth import Principal
from shared.contracts.base import new_id
from shared.contracts.tasks import LeaseProgress, ShownOutcome, VerdictBody
from shared.doorbells import outcomes_bell

_MOST = 100


@dataclass(frozen=True)
class Presented:
    """A verdict that wants to be given."""

    token: str
    body: VerdictBody
    who: Principal


@dataclass(frozen=True)
class Taken:
    """A verdict that was given, and what its span is to say."""

    progress: LeaseProgress
    project: str
    trace: str | None


class GatheredVerdicts:
    """Gives plain verdicts; None for one that is not."""

    def __init__(self, turns: BatchScheduler, projects: ProjectCache) -> None:
        self._projects = projects
        self._gathering = BatchQueue(turns, self._begin, _MOST)

    async def give(self, token: str, body: VerdictBody, who: Principal) -> Taken | None:
        """Give one, together with all that wait."""
        return await self._gathering(Presented(token, body, who))

    def _begin(self, asked: Sequence[Presented], now: datetime) -> "_Part":
        return _Part(self._projects, asked, now)


@dataclass(frozen=True)
class _Part:
    """The verdicts of one turn."""

    projects: ProjectCache
    asked: Sequence[Presented]
    now: datetime

    def reading(self, session: AsyncSession) -> Statement:
        """Find the leases."""
        return bulk.presented(session, [one.token for one in self.asked])

    async def decide(self, session: AsyncSession, rows: Rows) -> Decision[Taken]:
        """Take the verdicts that are plain."""
        by_token = {row.token: row for row in rows}
        taken: list[Taken | None] = []
        given: list[dict[str, Any]] = []
        for one in self.asked:
            # Taken out: the same verdict a second time comes after this transaction.
            row = by_token.pop(one.token, None)
            if row is None or not await self._is_plain(session, one, row):
                taken.append(None)
                continue
            given.append(_columns(one, row))
            taken.append(Taken(_progress(one, row), row.project, row.trace))
        writing = bulk.resolve(session, given, _bells(taken), self.now) if given else []
        return Decision(taken, writing)

    async def _is_plain(self, session: AsyncSession, one: Presented, row: Any) -> bool:
        live = row.ending is None and row.expires_at > self.now and row.number == row.lease_number
        if not live or row.reviewer != one.who.subject or not one.who.may_enter(row.project):
            return False
        # Under an earlier lease he may have seen a suggestion or an outcome. Gold is judged.
        if row.lane == "gold" or (row.number > 1 and not row.suggestion_shown):
            return False
        project = await self.projects.at(session, row.project, row.project_revision)
        return project.review.overlap == 1 and one.body.label in project.labels


def _columns(one: Presented, row: Any) -> dict[str, Any]:
    body, revision = one.body, row.revision + 1
    return {
        "token": row.token,
        "task_id": row.task_id,
        "reviewer": row.reviewer,
        "label": body.label,
        "comment": body.comment,
        "active_seconds": body.active_seconds,
        "blind": not row.suggestion_shown,
        "instructions_revision": row.instructions_revision,
        "digest": body_digest(body),
        "revision": revision,
        "said": {"label": body.label},
        "resolved": {"label": body.label, "revision": revision},
    }


def _progress(one: Presented, row: Any) -> LeaseProgress:
    outcome = ShownOutcome(label=one.body.label, revision=row.revision + 1)
    return LeaseProgress(task_id=row.task_id, state="resolved", outcome=outcome)


def _bells(taken: Sequence[Taken | None]) -> list[dict[str, str]]:
    """Ring once for each project."""
    projects = dict.fromkeys(one.project for one in taken if one is not None)
    return [{"event_id": new_id(), "bell": outcomes_bell(name)} for name in projects]
