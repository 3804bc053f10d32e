"""Tasks, and the queue that they wait in."""

import builtins
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from surehand import endpoints as e
from surehand._async.pages import AsyncGroup, AsyncPages
from surehand.models.adjudications import Case
from surehand.models.queue import CapacityForecast, FlowSeries, QueueAges, QueueForecast, Timings
from surehand.models.tasks import (
    OpinionReceipt,
    TaskDetail,
    TaskProgress,
    TaskReceipt,
    TaskSummary,
    Tombstone,
    WithdrawalReceipt,
)


class AsyncTasks(AsyncGroup):
    """`client.tasks`: review tasks, for operators and services."""

    async def add(
        self, project: str, tasks: Sequence[Mapping[str, Any]]
    ) -> builtins.list[TaskReceipt]:
        """Add 1 to 1,000 tasks, each with ``item_id`` and ``data``; return a receipt for each.

        Optional members: ``metadata``, ``lane``, ``due_at``, ``prediction``. A repeated call
        changes nothing.
        """
        body = {"tasks": builtins.list(tasks)}
        return (await self._http.ask(e.ADD_TASKS, {"project": project}, json=body)).tasks

    def list(
        self,
        project: str,
        *,
        state: str | None = None,
        lane: str | None = None,
        label: str | None = None,
        reviewer: str | None = None,
        adjudication: bool | None = None,
        older_than_seconds: float | None = None,
        search: str | None = None,
        metadata: Mapping[str, str] | None = None,
        newest_first: bool = False,
    ) -> AsyncPages[TaskSummary]:
        """List the tasks that all given filters hold for, oldest first.

        `search` is part of an item's id or of one of its texts. With it, or with `metadata`, a page
        looks through 20,000 tasks: it may have few tasks or none, and a next page all the same.
        """
        params = {
            "state": state,
            "lane": lane,
            "label": label,
            "reviewer": reviewer,
            "adjudication": adjudication,
            "older_than_seconds": older_than_seconds,
            "q": search,
            "metadata": [f"{key}:{value}" for key, value in (metadata or {}).items()] or None,
            "order": "newest" if newest_first else None,
        }
        return AsyncPages(self._http, e.TASKS, {"project": project}, params)

    async def get(self, project: str, task_id: str) -> TaskDetail:
        """Return a task with its timeline."""
        return await self._http.ask(e.GET_TASK, {"project": project, "task_id": task_id})

    async def reopen(self, project: str, task_id: str) -> TaskProgress:
        """Ask reviewers again about a resolved task."""
        return await self._http.ask(e.REOPEN_TASK, {"project": project, "task_id": task_id})

    def adjudications(self, project: str) -> AsyncPages[Case]:
        """List disputed tasks, and skipped ones without a label, with the reviewers' answers."""
        return AsyncPages(self._http, e.ADJUDICATIONS, {"project": project})

    async def adjudicate(
        self, project: str, task_id: str, label: str, *, comment: str | None = None
    ) -> TaskProgress:
        """Give an open task its final label."""
        names = {"project": project, "task_id": task_id}
        body = {"label": label, "comment": comment}
        return await self._http.ask(e.ADJUDICATE, names, json=body)

    async def answer_for(
        self,
        project: str,
        task_id: str,
        reviewer: str,
        label: str,
        *,
        active_seconds: float | None = None,
        comment: str | None = None,
    ) -> TaskProgress:
        """Record a verdict that `reviewer` gave elsewhere."""
        names = {"project": project, "task_id": task_id}
        body = {
            "reviewer": reviewer,
            "label": label,
            "active_seconds": active_seconds,
            "comment": comment,
        }
        return await self._http.ask(e.VERDICT_FOR, names, json=body)

    async def withdraw(
        self, project: str, item_ids: Iterable[str]
    ) -> builtins.list[WithdrawalReceipt]:
        """Close tasks of a draw that has ended, 1 to 1,000, and return a receipt for each.

        Only tasks of lanes ``certification`` and ``shadow`` are closed, and of these only what no
        reviewer has answered or holds.
        """
        body = {"item_ids": builtins.list(item_ids)}
        return (await self._http.ask(e.WITHDRAW, {"project": project}, json=body)).items

    async def ask_second_opinions(
        self, project: str, outcomes: Iterable[Mapping[str, Any]]
    ) -> builtins.list[OpinionReceipt]:
        """Ask another reviewer about outcomes that rest on one answer; return their receipts.

        Each of the 1 to 1,000 has ``item_id``, ``revision`` and the ``lane`` in which to ask:
        ``audit`` or ``certification``.
        """
        body = {"items": builtins.list(outcomes)}
        return (await self._http.ask(e.SECOND_OPINIONS, {"project": project}, json=body)).items

    async def erase_item(
        self, project: str, item_id: str, *, reason: str | None = None
    ) -> Tombstone:
        """Erase an item's content for good; the same at each call."""
        names = {"project": project, "item_id": item_id}
        return await self._http.ask(e.ERASE_ITEM, names, params={"reason": reason})


class AsyncQueue(AsyncGroup):
    """`client.queue`: what waits, and whether the reviewers keep up."""

    async def get(self, project: str, *, window_seconds: float | None = None) -> QueueForecast:
        """Return what waits by lane, and the rates of the last `window_seconds`."""
        params = {"window_seconds": window_seconds}
        return await self._http.ask(e.QUEUE_FORECAST, {"project": project}, params=params)

    async def series(
        self, project: str, *, since: datetime | None = None, step_seconds: int | None = None
    ) -> FlowSeries:
        """Return arrivals against answers, hour by hour of the last week by default."""
        params = {"since": since, "step_seconds": step_seconds}
        return await self._http.ask(e.QUEUE_SERIES, {"project": project}, params=params)

    async def ages(self, project: str) -> QueueAges:
        """Return how many tasks wait, by how long they have waited."""
        return await self._http.ask(e.QUEUE_AGES, {"project": project})

    async def capacity(self, project: str, *, days: float | None = None) -> CapacityForecast:
        """Return whether the reviewers' hours suffice, and what to do if they do not."""
        return await self._http.ask(e.CAPACITY, {"project": project}, params={"days": days})

    async def timings(
        self,
        project: str,
        *,
        since: datetime | None = None,
        cost_per_hour: float | None = None,
    ) -> Timings:
        """Return how long each step from arrival to the live version takes."""
        params = {"since": since, "cost_per_hour": cost_per_hour}
        return await self._http.ask(e.TIMINGS, {"project": project}, params=params)
