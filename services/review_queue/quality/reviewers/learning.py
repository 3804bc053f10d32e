"""A model of each project's reviewers, learned from verdicts in the background."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from services.review_queue.consensus.reliability import Reliability, learn
from services.review_queue.lifecycle.repository import gold
from services.review_queue.projects import repository as projects
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.gold.repository import scores
from services.review_queue.quality.reviewers.repository import newest_votes
from shared.contracts.projects import Project
from shared.db import Database
from shared.logs import cause_of

log = structlog.get_logger()

# The newest say how people answer now, and are quick to learn from: a tenth of a second.
_NEWEST_VOTES = 20_000
_AGAIN_AFTER = timedelta(seconds=60)
# The newest verdict, how many answers of gold there are and the newest, and the labels.
_Newest = tuple[int, int, list[tuple[str, str, str]], list[str]]

# The name of a project, and its first revision: what was learned in a deleted project of the same
# name is not known.
_Key = tuple[str, int]


@dataclass
class KnownReviewers:
    """A model of each project's reviewers, learned anew once a minute where verdicts have come.

    Each replica learns for itself, from the same verdicts.
    """

    database: Database
    now: Callable[[], datetime]
    _known: dict[_Key, Reliability] = field(default_factory=dict)
    _newest: dict[_Key, _Newest] = field(default_factory=dict)
    _learned_at: datetime | None = None

    def of(self, project: Project) -> Reliability | None:
        """Return what is known of a project's reviewers; None for nothing yet.

        What was learned of other labels than it has now does not count.
        """
        known = self._known.get(_key(project))
        return known if known is not None and known.labels == tuple(project.labels) else None

    async def refresh(self) -> int:
        """Learn, if the last time is a minute ago; return of how many projects."""
        now = self.now()
        if self._learned_at is not None and abs(now - self._learned_at) < _AGAIN_AFTER:
            return 0
        self._learned_at = now
        async with self.database.reading() as session:
            names = await projects.overlapping(session)
            asked = [await current_project(session, name) for name in names]
        return sum([await self._learn(project) for project in asked])

    async def _learn(self, project: Project) -> bool:
        name, key = project.project, _key(project)
        async with self.database.reading() as session:
            votes = await newest_votes(session, name, _NEWEST_VOTES)
            probed = await scores.newest_votes(session, name, _NEWEST_VOTES)
            last = votes[0].verdict_id if votes else 0
            newest = (last, len(probed), probed[:1], project.labels)
            if newest == self._newest.get(key, (0, 0, [], project.labels)):
                return False
            known = await gold.labels(session, name)
        given = {(vote.task_id, vote.reviewer): vote.label for vote in votes}
        given |= {(task_id, reviewer): label for task_id, reviewer, label in probed}
        try:
            self._known[key] = await asyncio.to_thread(
                learn,
                [(task_id, reviewer, label) for (task_id, reviewer), label in given.items()],
                known,
                project.labels,
                max_overlap=project.review.max_overlap,
                start=self._known.get(key),
            )
        except ValueError as error:
            # Too many labels for the model: the lead rule does without.
            log.info("reviewers_not_learned", project=name, cause=cause_of(error))
            self._known.pop(key, None)
        self._newest[key] = newest
        return True


def _key(project: Project) -> _Key:
    return project.project, project.first_revision
