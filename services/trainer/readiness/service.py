"""Say what the first labels of a project lack, and how many of them look wrong."""

import numpy as np
import structlog
from obstore.exceptions import BaseError as StoreError
from pydantic import ValidationError

from services.trainer.outcomes.repository import label_counts, labels_of
from services.trainer.projects.repository import read_state
from services.trainer.queue_client import QueueAway
from services.trainer.readiness.checks import OF_REVIEWERS, Missing, missing_of
from services.trainer.resources import Resources
from shared.contracts.projects import Project
from shared.contracts.versions import OutOfFold
from shared.label_errors import find_suspects
from shared.logs import cause_of
from shared.store import first_labels_path

log = structlog.get_logger()


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


async def suspected(resources: Resources, project: Project, missing: list[Missing]) -> int | None:
    """Count the labels that look wrong, of those that stand; None where none were looked at.

    Only before a first run may begin (`missing`): after it the review queue compares labels with
    the version. None too while what was found cannot be read: it is only advice.
    """
    if not missing:
        return None
    path = first_labels_path(project.project)
    try:
        found = await resources.store.read_document(path, OutOfFold)
    except (StoreError, OSError, ValidationError) as error:
        log.warning("first_labels_unread", project=project.project, cause=cause_of(error))
        return None
    if found is None:
        return None
    async with resources.database.reading() as session:
        stands = await labels_of(session, project.project, found.item_ids)
    index = {label: place for place, label in enumerate(project.labels)}
    rows = [
        (index[label], index[predicted], own, confidence)
        for item, label, predicted, confidence, own in zip(
            found.item_ids,
            found.labels,
            found.predicted,
            found.confidences,
            found.label_probabilities,
            strict=True,
        )
        if stands.get(item) == label and label in index and predicted in index
    ]
    given = np.array([row[0] for row in rows], dtype=np.int64)
    probabilities = np.zeros((len(rows), len(index)))
    for place, (label, predicted, own, confidence) in enumerate(rows):
        probabilities[place, label], probabilities[place, predicted] = own, confidence
    return len(find_suspects(given, probabilities).row)
