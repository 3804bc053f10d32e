"""Reading the activity log."""

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from services.review_queue.activity import repository
from services.review_queue.activity.messages import (
    ACTION_OF,
    KIND_OF,
    Action,
    ActivityEntry,
    ActivityList,
)
from services.review_queue.repository.projects import require_project
from shared.contracts.base import from_stored
from shared.db import Database, Row
from shared.http.lists import encode_cursor, parse_cursor

_END = 2**63 - 1
_NUMBERS = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class ActivityCursor:
    """The last line before a page, in the log and in the timelines of tasks."""

    entry_id: int = _END
    event_id: int = _END

    @classmethod
    def of(cls, cursor: str | None) -> Self:
        """Return what `cursor` names; `Unprocessable` when it is not one of this list."""
        return parse_cursor(cursor, cls._parse) or cls()

    @classmethod
    def _parse(cls, text: str) -> Self | None:
        found = _NUMBERS.fullmatch(text)
        return None if found is None else cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return encode_cursor(f"{self.entry_id}.{self.event_id}")


@dataclass(frozen=True)
class ActivityService:
    """Who did what: the log's own lines, and what people did to tasks from their timelines.

    What a timeline holds is not written to the log again. A page merges both lists, newest first,
    and lists each line that was committed when the first page was read exactly once.
    """

    database: Database

    async def page(
        self,
        project: str | None,
        *,
        actor: str | None,
        action: Action | None,
        after: ActivityCursor,
        limit: int,
    ) -> ActivityList:
        """Return activity of a project, or that of no single project, newest first.

        Raises `NotFound` (there is no such project).
        """
        kinds = [kind for one, kind in KIND_OF.items() if action in (None, one)]
        in_timelines: Sequence[Row] = []
        async with self.database.reading() as session:
            since = None
            if project is not None:
                # The lines of an earlier project of the name, which was deleted, are not its own.
                since = (await require_project(session, project)).created_at
                in_timelines = await repository.timeline_entries(
                    session,
                    project,
                    before=after.event_id,
                    kinds=kinds,
                    actor=actor,
                    limit=limit + 1,
                )
            logged = await repository.log_entries(
                session,
                project,
                since=since,
                before=after.entry_id,
                action=action,
                actor=actor,
                limit=limit + 1,
            )
        return _merged(logged, in_timelines, after, limit)


def _merged(
    logged: Sequence[Row], in_timelines: Sequence[Row], after: ActivityCursor, limit: int
) -> ActivityList:
    lines = heapq.merge(logged, in_timelines, key=lambda row: row.at, reverse=True)
    entries = list(map(_entry, islice(lines, limit)))
    i = sum(one.entry_id.startswith("a") for one in entries)
    j = len(entries) - i
    if i == len(logged) and j == len(in_timelines):
        return ActivityList(activity=entries, cursor=None)
    following = ActivityCursor(
        _behind([row.entry_id for row in logged], i, after.entry_id),
        _behind([row.event_id for row in in_timelines], j, after.event_id),
    )
    return ActivityList(activity=entries, cursor=str(following))


def _behind(numbers: Sequence[int], taken: int, before: int) -> int:
    """Return the number behind the first `taken` lines, so that later ones do not come into it."""
    if taken:
        return numbers[taken - 1]
    if before != _END:
        return before
    return numbers[0] + 1 if numbers else 0


def _entry(row: Row) -> ActivityEntry:
    columns = {"role": None, "token_id": None, **row._mapping}
    if "event_id" in columns:
        own = {"action": ACTION_OF[row.kind], "target": row.task_id}
        columns |= {"entry_id": f"t{row.event_id}", **own}
    else:
        columns["entry_id"] = f"a{row.entry_id}"
    return from_stored(ActivityEntry, columns)
