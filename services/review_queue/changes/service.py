"""The feed of changes over all projects."""

import asyncio
from dataclasses import dataclass

from services.review_queue.changes import repository
from services.review_queue.lifecycle.outcomes import repository as outcomes
from services.review_queue.lifecycle.outcomes.places import Place, place_of
from services.review_queue.lifecycle.outcomes.service import place_outcomes
from services.review_queue.lifecycle.problems import FeedRestarted
from services.review_queue.repository.epochs import feed_epoch
from shared.contracts.changes import ChangeFeed
from shared.db import Database, Session
from shared.doorbells import Doorbells, Gone, wait_for
from shared.http.lists import decode_cursor, encode_cursor


@dataclass(frozen=True)
class Places:
    """How far a reader is in the outcomes of all projects, and in the changes of projects."""

    outcomes: Place
    projects: Place

    @property
    def cursor(self) -> str:
        """The cursor that names them."""
        return encode_cursor(f"{self.outcomes.cursor} {self.projects.cursor}")


def places_of(cursor: str | None) -> Places | None:
    """Return the places that `cursor` names, None for no cursor; `Unprocessable` if it has none."""
    text = decode_cursor(cursor)
    if text is None:
        return None
    outcomes_cursor, _, projects_cursor = text.partition(" ")
    return Places(place_of(outcomes_cursor) or Place(), place_of(projects_cursor) or Place())


@dataclass(frozen=True)
class ChangeService:
    """Tells one reader of all projects which of them have something new."""

    database: Database
    bells: Doorbells
    poll_seconds: float

    async def feed(self, after: Places | None, *, wait_seconds: float, gone: Gone) -> ChangeFeed:
        """Return what changed behind `after`, None for all; wait for it, if asked to.

        Raises `FeedRestarted` (`after` is of the feed as it was before the database was restored).
        """
        deadline = asyncio.get_running_loop().time() + wait_seconds
        with self.bells.hearing("project.*", "outcomes.*") as rung:
            while True:
                page = await self._page(after)
                left = deadline - asyncio.get_running_loop().time()
                if page.changes or left <= 0 or await gone():
                    return page
                await wait_for(rung, min(self.bells.rest_seconds(self.poll_seconds), left))

    async def _page(self, after: Places | None) -> ChangeFeed:
        await self._place()
        async with self.database.reading() as session:
            places = await _confirmed(session, after)
            found, position = await repository.outcomes_after(session, places.outcomes.position)
            resolved = await outcomes.FEED.place_at(session, places.outcomes.epoch, position)
            projects, position = await repository.projects_after(session, places.projects.position)
            changed = await repository.FEED.place_at(session, places.projects.epoch, position)
        return ChangeFeed(changes=[*projects, *found], cursor=Places(resolved, changed).cursor)

    async def _place(self) -> None:
        await place_outcomes(self.database)
        async with self.database.reading() as session:
            waiting = await repository.FEED.waits(session)
        if waiting:
            async with self.database.transaction() as session:
                await repository.FEED.place(session, "project")


async def _confirmed(session: Session, after: Places | None) -> Places:
    epoch = await feed_epoch(session)
    if after is None:
        return Places(Place(epoch), Place(epoch))
    read = await outcomes.FEED.confirmed(session, after.outcomes)
    projects = await repository.FEED.confirmed(session, after.projects)
    if read is None or projects is None:
        raise FeedRestarted(epoch)
    return Places(read, projects)
