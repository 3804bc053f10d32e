"""The promises of many projects at once, for a list of them."""

import asyncio
from collections.abc import Sequence

from services.trainer.documents.status import status_of, why_not_valid
from services.trainer.outcomes.repository import labels_for_next_run
from services.trainer.projects.repository import champions
from services.trainer.promise import repository as certifications
from services.trainer.resources import Resources
from services.trainer.watch import repository
from services.trainer.watch.messages import ProjectPromise, Promises
from services.trainer.watch.upcoming import (
    certification_under_way,
    next_event,
    next_version,
)
from shared.contracts.projects import Project
from shared.contracts.reasons import WHY_NOT


async def describe_all(resources: Resources, names: Sequence[str]) -> Promises:
    """Say what the champions' promises of several projects are worth now.

    It takes a few statements over all projects, and two for each certification under way. A
    project that does not exist, or whose document is unreadable, is left out.
    """
    found = await asyncio.gather(*map(resources.projects.find, dict.fromkeys(names)))
    projects = {one.project: one for one in found if one is not None}
    async with resources.database.reading() as session:
        known = await champions(session, list(projects))
        shares = await repository.shares_answered(
            session, [version for _, version in known.values()]
        )
        labels = await labels_for_next_run(session, [one for one in projects if one not in known])
        open_ones = await certifications.with_open(session, list(projects))
        under_way = {
            name: await certification_under_way(session, projects[name]) for name in open_ones
        }
    now = resources.now()
    told = []
    for name, project in projects.items():
        if name not in known:
            told.append(_without_version(project, labels.get(name, 0)))
            continue
        state, version = known[name]
        status = status_of(version, project, state, now)
        why_not = why_not_valid(version, state, status, now)
        told.append(
            ProjectPromise(
                project=name,
                state=status.state,
                cause=status.cause,
                version=version.version,
                valid_now=why_not is None,
                why_not=why_not,
                share_answered=shares.get(name),
                next=next_event(version, why_not, under_way.get(name), now),
            )
        )
    return Promises(promises=told)


def _without_version(project: Project, labels: int) -> ProjectPromise:
    return ProjectPromise(
        project=project.project,
        state="uncertified",
        cause="no_version",
        version=None,
        valid_now=False,
        why_not=WHY_NOT["no_version"],
        share_answered=None,
        next=next_version(project, labels),
    )
