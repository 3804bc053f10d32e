"""The labels that a project may ask for in one period of certifications."""

from datetime import timedelta

from services.trainer.promise import repository
from services.trainer.promise.periods import PlaceInPeriod
from shared.contracts.projects import Project
from shared.db import Session

# Three draws for each of three versions, and one to spare.
_DRAWS_PER_PERIOD = 10


def label_budget(project: Project) -> int:
    """Return how many labels a period may take: the project's, or those of ten draws."""
    stated = project.promise.label_budget_per_period
    return _DRAWS_PER_PERIOD * project.promise.certification_labels if stated is None else stated


async def shortage(session: Session, project: Project, place: PlaceInPeriod) -> str | None:
    """Say that the rest of the budget is no draw's worth, and what would help; None if it is."""
    labels, budget = project.promise.certification_labels, label_budget(project)
    asked = 0
    if place.number > 1:
        asked = await repository.labels_asked(session, project.project, place.began_at)
    if asked + labels <= budget:
        return None
    ends_at = place.began_at + timedelta(days=project.promise.expires_days)
    return (
        f"the period's label budget is spent: {asked} of {budget} labels were asked for, and a "
        f"draw takes {labels}; raise `label_budget_per_period`, lower `certification_labels`, or "
        f"wait for the next period, at {ends_at:%Y-%m-%d %H:%M} UTC or earlier"
    )
