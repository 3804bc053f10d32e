"""Reading the activity log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.activity import repository
from services.review_queue.activity.actions import ACTION_OF, KIND_OF, TIMELINE_ACTIONS, Action
from services.review_queue.activity.messages import ActivityEntry, ActivityList
from services.review_queue.activity.places import END, Place
from services.review_queue.repository.projects import require_project
from shared.db import Database


@dataclass(frozen=True)
class Wanted:
    """Which lines are asked for; None means all."""

    actor: str | None = None
    action: Action | None = None


@dataclass(frozen=True)
class ActivityService:
    """Who did what: the log's own lines, and what people did to tasks from their timelines.

    What stands in a timeline is not written twice. Both lists are read from their newest line
    back, and the later line comes first: lines that were committed when the first page was read
    are all told, each once.
    """

    database: Database

    async def of_project(
        self, project: str, wanted: Wanted, *, after: Place, limit: int
    ) -> ActivityList:
        """Return a page of a project's activity, newest first; `NotFound` without a project."""
        async with self.database.reading() as session:
            await require_project(session, project)
            recorded = await self._recorded(session, project, wanted, after, limit)
            told = await self._told(session, project, wanted, after, limit)
        return _page(recorded, told, after, limit)

    async def of_none(self, wanted: Wanted, *, after: Place, limit: int) -> ActivityList:
        """Return a page of what was done in no single project, newest first."""
        async with self.database.reading() as session:
            recorded = await self._recorded(session, None, wanted, after, limit)
        return _page(recorded, [], after, limit)

    async def _recorded(
        self, session: AsyncSession, project: str | None, wanted: Wanted, after: Place, limit: int
    ) -> Sequence[Row[Any]]:
        return await repository.recorded(
            session,
            project,
            before=after.recorded,
            limit=limit + 1,
            actor=wanted.actor,
            action=wanted.action,
        )

    async def _told(
        self, session: AsyncSession, project: str, wanted: Wanted, after: Place, limit: int
    ) -> Sequence[Row[Any]]:
        asked = TIMELINE_ACTIONS if wanted.action is None else (wanted.action,)
        kinds = [KIND_OF[action] for action in asked if action in KIND_OF]
        if not kinds:
            return []
        return await repository.told(
            session, project, before=after.told, limit=limit + 1, actor=wanted.actor, kinds=kinds
        )


def _page(
    recorded: Sequence[Row[Any]], told: Sequence[Row[Any]], after: Place, limit: int
) -> ActivityList:
    entries: list[ActivityEntry] = []
    i = j = 0
    while len(entries) < limit and (i < len(recorded) or j < len(told)):
        if j == len(told) or (i < len(recorded) and recorded[i].at >= told[j].at):
            entries.append(_of_log(recorded[i]))
            i += 1
        else:
            entries.append(_of_timeline(told[j]))
            j += 1
    if i == len(recorded) and j == len(told):
        return ActivityList(activity=entries, cursor=None)
    place = Place(
        _behind([row.entry_id for row in recorded], i, after.recorded),
        _behind([row.event_id for row in told], j, after.told),
    )
    return ActivityList(activity=entries, cursor=place.cursor)


def _behind(numbers: Sequence[int], taken: int, before: int) -> int:
    """Return the place behind the first `taken` lines, so that later ones do not come into it."""
    if taken:
        return numbers[taken - 1]
    if before != END:
        return before
    return numbers[0] + 1 if numbers else 0


def _of_log(row: Row[Any]) -> ActivityEntry:
    said = dict(row._mapping)
    del said["project"]
    return ActivityEntry.model_validate(said | {"entry_id": f"a{row.entry_id}"})


def _of_timeline(row: Row[Any]) -> ActivityEntry:
    return ActivityEntry(
        entry_id=f"t{row.event_id}",
        at=row.at,
        actor=row.actor,
        role=None,
        token_id=None,
        action=ACTION_OF[row.kind],
        target=row.task_id,
        detail=row.detail,
    )
