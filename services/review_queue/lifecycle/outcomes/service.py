"""The outcomes feed, and the outcome of one item."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.review_queue.lifecycle.messages import ItemOutcome
from services.review_queue.lifecycle.metrics import OUTCOMES
from services.review_queue.lifecycle.outcomes import repository
from services.review_queue.lifecycle.outcomes.places import Place, mark_of
from services.review_queue.lifecycle.problems import FeedRestarted, ItemErased
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.states import Task
from services.review_queue.projects.reading import current_project
from services.review_queue.repository.epochs import feed_epoch
from shared.contracts.base import from_stored, task_id_for
from shared.contracts.tasks import Outcome, OutcomeFeed
from shared.db import Database, Row, Session
from shared.doorbells import Doorbells, Gone, outcomes_bell, wait_for
from shared.problems import NotFound


async def place_outcomes(database: Database) -> None:
    """Give each committed outcome its place, in as many transactions as it takes."""
    async with database.reading() as session:
        waiting = await repository.FEED.waits(session)
    while waiting:
        async with database.transaction() as session:
            waiting = await _place_some(session)


async def place_within(session: Session) -> None:
    """Give each committed outcome its place, in the caller's transaction."""
    while await _place_some(session):
        pass


async def _place_some(session: Session) -> bool:
    """Give outcomes places, and count each once over all replicas; say whether more may wait."""
    placed = await repository.FEED.place(session, "project", "lane", "source")
    for labels, count in Counter(map(tuple, placed)).items():
        OUTCOMES.labels(*labels).inc(count)
    return len(placed) == repository.PLACED_AT_ONCE


def outcome_message(row: Row) -> Outcome:
    """Return a revision as the feed gives it; a brief row lacks what may be large."""
    return from_stored(Outcome, {"data": {}, "metadata": {}, "prediction": None, **row._mapping})


@dataclass(frozen=True)
class OutcomeService:
    """What became of items, in order or one by one."""

    database: Database
    bells: Doorbells
    poll_seconds: float

    async def feed(
        self,
        project: str,
        *,
        after: Place | None,
        limit: int,
        brief: bool,
        wait_seconds: float,
        gone: Gone,
    ) -> OutcomeFeed:
        """Return the outcomes behind `after`, None for all; wait for the first one, if asked to.

        Raises `FeedRestarted` (`after` is a place of the feed as it was before the database was
        restored).
        """
        async with self.database.reading() as session:
            await current_project(session, project)
        deadline = asyncio.get_running_loop().time() + wait_seconds
        with self.bells.hearing(outcomes_bell(project)) as rung:
            while True:
                page = await self._page(project, after, limit, brief=brief)
                left = deadline - asyncio.get_running_loop().time()
                if page.outcomes or left <= 0 or await gone():
                    return page
                await wait_for(rung, min(self.poll_seconds, left))

    async def tail(self, project: str) -> OutcomeFeed:
        """Return no outcomes, only the cursor that those committed from now on are behind."""
        async with self.database.reading() as session:
            await current_project(session, project)
        await place_outcomes(self.database)
        async with self.database.reading() as session:
            epoch, last = await feed_epoch(session), await repository.FEED.last(session, project)
            end = await repository.FEED.place_at(session, epoch, last)
        return OutcomeFeed(outcomes=[], cursor=end.cursor)

    async def _page(
        self, project: str, after: Place | None, limit: int, *, brief: bool
    ) -> OutcomeFeed:
        await place_outcomes(self.database)
        async with self.database.reading() as session:
            place = await _confirmed(session, after)
            rows = await repository.feed(
                session, project, after=place.position, limit=limit, brief=brief
            )
        if rows:
            last = rows[-1]
            mark = mark_of(last.task_id, last.revision, last.label, last.resolved_at)
            place = Place(place.epoch, last.position, mark)
        return OutcomeFeed(outcomes=[outcome_message(row) for row in rows], cursor=place.cursor)

    async def of_item(
        self, project: str, item_id: str, *, wait_seconds: float, gone: Gone
    ) -> ItemOutcome:
        """Return what became of one item; wait until it is resolved, if asked to.

        Raises `NotFound` (no such project, or no reviewer was ever asked about the item) and
        `ItemErased` (the item was erased).
        """
        deadline = asyncio.get_running_loop().time() + wait_seconds
        with self.bells.hearing(outcomes_bell(project)) as rung:
            while True:
                async with self.database.reading() as session:
                    task = await _task(session, project, item_id)
                left = deadline - asyncio.get_running_loop().time()
                if task.erased_at is not None:
                    raise ItemErased(task.item_id, task.erased_at)
                if task.state == "resolved" or left <= 0 or await gone():
                    return _item_outcome(task)
                await wait_for(rung, min(self.poll_seconds, left))

    async def of_items(
        self, project: str, item_ids: Sequence[str], *, shows_lanes: bool
    ) -> list[ItemOutcome]:
        """Return what became of those of the items that people were asked about."""
        task_ids = [task_id_for(project, item_id) for item_id in item_ids]
        async with self.database.reading() as session:
            await current_project(session, project)
            found = await reading.tasks(session, task_ids, lock=False)
        tasks = [found[task_id] for task_id in task_ids if task_id in found]
        return [_item_outcome(task, shows_lane=shows_lanes) for task in tasks]


async def _task(session: Session, project: str, item_id: str) -> Task:
    await current_project(session, project)
    task_id = task_id_for(project, item_id)
    task = (await reading.tasks(session, [task_id], lock=False)).get(task_id)
    if task is None:
        raise NotFound("The item has no review task.", item_id=item_id)
    return task


async def _confirmed(session: Session, after: Place | None) -> Place:
    if after is None:
        return Place(await feed_epoch(session))
    place = await repository.FEED.confirmed(session, after)
    if place is None:
        raise FeedRestarted(await feed_epoch(session))
    return place


def _item_outcome(task: Task, *, shows_lane: bool = False) -> ItemOutcome:
    erased = task.erased_at is not None
    status = "erased" if erased else "resolved" if task.state == "resolved" else "in_review"
    return ItemOutcome.model_validate(
        {
            "item_id": task.item_id,
            "status": status,
            "label": None if erased else task.label,
            "source": None if erased else task.source,
            "task_id": task.task_id,
            "revision": task.revision,
            "resolved_at": None if erased else task.resolved_at,
            "data_digest": task.data_digest or None,
            "lane": task.lane if shows_lane and status == "in_review" else None,
        }
    )
