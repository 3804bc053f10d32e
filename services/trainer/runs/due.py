"""What begins a run automatically: new labels, a change of the traffic, or the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trainer.promise.patience import waits_for_certification
from services.trainer.registry import repository as registry
from services.trainer.runs import repository
from services.trainer.runs.modes import change_since
from services.trainer.tables import ProjectState
from shared.contracts.projects import Project
from shared.db import Session


@dataclass(frozen=True)
class Cause:
    """What begins a run, and the words that say so."""

    name: str
    words: str


async def cause_to_begin(
    session: Session, project: Project, state: ProjectState, now: datetime
) -> Cause | None:
    """Return what makes a run due; None without a label that no run has used.

    So a run that ends without a version is not begun again for the same labels. A version that
    traffic is about to certify has its time first.
    """
    new = await repository.count_new_labels(session, state.project, state.trained_position)
    if not new or await waits_for_certification(session, project, new):
        return None
    wanted = project.training.min_new_labels
    champion = await registry.find(session, state.project, state.champion)
    change = await change_since(session, state.project, champion)
    if new >= wanted:
        words = f"{new} new labels (min_new_labels is {wanted})"
        if change is None:
            return Cause("labels", words)
        return Cause("drift", f"{change.words}: {words}")
    if change is not None:
        position = state.trained_position
        planned = await repository.planned_since(session, state.project, change.at, position)
        if planned.fresh and not planned.left:
            words = f"{change.words}: all {planned.items} items of the relabel plan are answered"
            return Cause("drift", words)
    every = project.training.every_hours
    begun = await repository.last_begun(session, state.project) if every is not None else None
    if every is not None and begun is not None and now >= begun + timedelta(hours=every):
        return Cause("schedule", f"every_hours is {every:g}: {new} new labels since the last run")
    return None


async def scheduled_at(session: Session, project: Project) -> datetime | None:
    """Return when the clock may make a run due; None without a schedule or a first run."""
    every = project.training.every_hours
    begun = None if every is None else await repository.last_begun(session, project.project)
    return None if every is None or begun is None else begun + timedelta(hours=every)
