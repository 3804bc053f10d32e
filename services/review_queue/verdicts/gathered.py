"""Plain verdicts, all that wait in one transaction: the way of nearly all of them.

Plain is the first use of a live lease, where one opinion is enough. All else, and whatever is not
to be taken at all, is left to `VerdictService`, which finds the same or says what is wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.gathering import Gathering, Turns
from services.review_queue.projects.known import KnownProjects
from services.review_queue.verdicts import bulk
from services.review_queue.verdicts.holding import body_digest
from shared.auth import Principal
from shared.contracts.base import new_id
from shared.contracts.tasks import Outcome, TaskProgress, VerdictBody
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

    progress: TaskProgress
    project: str
    trace: str | None


class GatheredVerdicts:
    """Gives plain verdicts; None for one that is not."""

    def __init__(self, turns: Turns, projects: KnownProjects, now: Callable[[], datetime]) -> None:
        self._projects = projects
        self._now = now
        self._gathering = Gathering(turns, self._give, _MOST)

    async def give(self, token: str, body: VerdictBody, who: Principal) -> Taken | None:
        """Give one, together with all that wait."""
        return await self._gathering(Presented(token, body, who))

    async def _give(self, session: AsyncSession, asked: Sequence[Presented]) -> list[Taken | None]:
        now = self._now()
        rows = await bulk.presented(session, [one.token for one in asked])
        taken: list[Taken | None] = []
        given: list[dict[str, Any]] = []
        for one in asked:
            # Taken out: the same verdict a second time comes after this transaction.
            row = rows.pop(one.token, None)
            if row is None or not await self._is_plain(session, one, row, now):
                taken.append(None)
                continue
            given.append(_columns(one, row))
            taken.append(Taken(_progress(one, row, now), row.project, row.trace))
        if given:
            await bulk.resolve(session, given, _bells(taken), now)
        return taken

    async def _is_plain(
        self, session: AsyncSession, one: Presented, row: Row[Any], now: datetime
    ) -> bool:
        live = row.ending is None and row.expires_at > now and row.number == row.lease_number
        if not live or row.reviewer != one.who.subject or not one.who.may_enter(row.project):
            return False
        # He who had an earlier lease may have seen a suggestion under it. Gold is judged.
        if row.lane == "gold" or (row.number > 1 and not row.suggestion_shown):
            return False
        project = await self._projects.at(session, row.project, row.project_revision)
        return project.review.overlap == 1 and one.body.label in project.labels


def _columns(one: Presented, row: Row[Any]) -> dict[str, Any]:
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


def _progress(one: Presented, row: Row[Any], now: datetime) -> TaskProgress:
    outcome = {
        "item_id": row.item_id,
        "task_id": row.task_id,
        "revision": row.revision + 1,
        "data": row.data,
        "metadata": row.item_metadata,
        "lane": row.lane,
        "label": one.body.label,
        "source": "human",
        "verdicts": 1,
        "blind": not row.suggestion_shown,
        "prediction": row.prediction,
        "instructions_revision": row.instructions_revision,
        "resolved_at": now,
        "trace": row.trace,
    }
    return TaskProgress(
        task_id=row.task_id, state="resolved", outcome=Outcome.model_validate(outcome)
    )


def _bells(taken: Sequence[Taken | None]) -> list[dict[str, str]]:
    """Ring once for each project."""
    projects = dict.fromkeys(one.project for one in taken if one is not None)
    return [{"event_id": new_id(), "bell": outcomes_bell(name)} for name in projects]
