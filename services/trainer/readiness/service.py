"""Say what the first labels of a project lack, and whether a first run may begin."""

from services.trainer.outcomes.repository import label_counts
from services.trainer.projects.repository import read_state
from services.trainer.queue_client import QueueAway
from services.trainer.readiness.checks import OF_REVIEWERS, Missing, missing_of
from services.trainer.resources import Resources
from shared.contracts.projects import Project


async def may_start_run(resources: Resources, project: Project) -> bool:
    """Say whether a run may start automatically: a first one waits for the labels' quality.

    Where the labelling is automatic, it waits for all that the labels lack.
    """
    if not project.labelling.automatic:
        return not await faults_of_labels(resources, project)
    try:
        return not await missing_labels(resources, project)
    except QueueAway:
        return False  # it knows how reviewers do: the next look asks again


async def faults_of_labels(resources: Resources, project: Project) -> list[Missing]:
    """Return how reviewers disagree or err too often for a first version; nothing after it.

    Nothing either while the review queue, which counts that, is away.
    """
    try:
        missing = await missing_labels(resources, project)
    except QueueAway:
        return []
    return [one for one in missing if one.check in OF_REVIEWERS]


async def missing_labels(resources: Resources, project: Project) -> list[Missing]:
    """Return what the first labels lack; nothing once there is a champion."""
    name = project.project
    async with resources.database.reading() as session:
        state = await read_state(session, name)
        counts = await label_counts(session, name)
    if state is not None and state.champion is not None:
        return []
    errors = await resources.queue.human_error(name)
    return missing_of(counts, project.labels, project.training.min_new_labels, errors)
