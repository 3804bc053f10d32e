"""How long a promise counts as watched, and when that is renewed."""

from datetime import datetime, timedelta

from services.trainer.projects.repository import in_service, locking
from services.trainer.resources import Resources
from services.trainer.tables import ProjectState
from shared.contracts.projects import Project

_RENEWALS_PER_GRACE = 10


def renewal_left(project: Project) -> timedelta:
    """Return how much of a watch is left when it is renewed: all but a tenth of the grace."""
    grace = timedelta(seconds=project.promise.watch_grace_seconds)
    return grace - grace / _RENEWALS_PER_GRACE


async def renew_watch(resources: Resources, project: Project, now: datetime) -> None:
    """Extend the promise's watch: feed and ledger have been read.

    Parameters
    ----------
    now
        When the reading began. A trainer that was suspended since has seen nothing of the pause.
    """
    grace = timedelta(seconds=project.promise.watch_grace_seconds)
    async with resources.database.reading() as session:
        versions = await in_service(session, project.project)
        state = await session.get(ProjectState, project.project)
    if state is None or all(version.certificate is None for version in versions):
        return
    left = timedelta(0) if state.watched_until is None else state.watched_until - now
    if renewal_left(project) < left <= grace:
        return
    async with locking(resources.database, project.project) as (_, state):
        state.watched_until = now + grace
