"""Whether the next version is to wait, so that the newest one can be certified on traffic.

Only traffic from after a version's labels were frozen can certify it. Where reviewers keep up, a
project reaches `min_new_labels` long before `certification_labels` items of the candidate region
have come, so each version would take its predecessor's place before any is certified.
"""

from services.trainer.ledger import repository as ledger
from services.trainer.promise import repository
from services.trainer.promise.risk import predict_risk
from services.trainer.registry import repository as registry
from services.trainer.tables import Certification, Dataset, Version
from shared.contracts.certificates import complement
from shared.contracts.projects import Project
from shared.db import Session

# A region that holds a third of the traffic fills in this time; for less the wait is not worth it.
_DRAWS = 3


async def waits_for_certification(session: Session, project: Project, new_labels: int) -> bool:
    """Say whether a new version would take the place of one that traffic is about to certify.

    Parameters
    ----------
    new_labels
        Labels that came since the newest version's were frozen. With three times
        `certification_labels` a new version has its turn in any case.
    """
    if new_labels >= _DRAWS * project.promise.certification_labels:
        return False
    pending = await repository.pending(session, project.project)
    waiting = [one for one in pending if one.state == "waiting" and one.purpose == "first"]
    return bool(waiting) and await _has_prospects(session, project, waiting[0], new_labels)


async def _has_prospects(
    session: Session, project: Project, waiting: Certification, new_labels: int
) -> bool:
    """Say whether the labels come with traffic, and the version is right often enough on some."""
    version = await registry.find(session, project.project, waiting.version)
    if version is None or not _has_region(version, project):
        return False
    dataset = await session.get(Dataset, (project.project, version.dataset_id))
    if dataset is None:
        return False
    return await ledger.count(session, project.project, dataset.created_at) >= new_labels


def _has_region(version: Version, project: Project) -> bool:
    scores, correct = version.tune["scores"], version.tune["correct"]
    if not scores:
        return False
    alpha = complement(project.promise.target_accuracy)
    return predict_risk(scores, correct, scores).region(alpha) is not None
