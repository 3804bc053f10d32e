"""Reviewers' tags as use cases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.repository.writing import ring_for_tasks
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.reviewers.messages import ReviewerTags
from services.review_queue.quality.tags import repository
from shared.db import Database, Session


async def set_tags(
    session: Session, project: str, reviewer: str, tags: Sequence[str], now: datetime
) -> None:
    """Give a reviewer these tags and no others; the same again changes nothing."""
    known = (await repository.tags_of(session, project, [reviewer])).get(reviewer, [])
    if set(known) == set(tags):
        return
    await repository.replace(session, project, reviewer, tags)
    record(session, "reviewer.tagged", now, project=project, target=reviewer, tags=list(tags))
    # Tasks that waited for such a reviewer can be taken.
    ring_for_tasks(session, project)


@dataclass(frozen=True)
class TagService:
    """What operators say of reviewers: which tasks they can do."""

    database: Database
    now: Callable[[], datetime]

    async def show(self, project: str, reviewer: str) -> ReviewerTags:
        """Return a reviewer's tags; `NotFound`: no project."""
        async with self.database.reading() as session:
            await current_project(session, project)
            found = await repository.tags_of(session, project, [reviewer])
        return ReviewerTags(reviewer=reviewer, tags=found.get(reviewer, []))

    async def put(self, project: str, reviewer: str, tags: Sequence[str]) -> ReviewerTags:
        """Replace a reviewer's tags; tasks that the reviewer holds may be finished.

        Raises `NotFound`: no project.
        """
        async with self.database.transaction() as session:
            await current_project(session, project)
            await set_tags(session, project, reviewer, tags, self.now())
        return ReviewerTags(reviewer=reviewer, tags=list(tags))
