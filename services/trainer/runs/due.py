"""What begins a run automatically, and which mode a run has: what it trains on, how labels weigh.

New labels, a change of the traffic, or the clock begin one. Mode `initial`: every label, all the
same; it waits for the quality of the first labels. `fine_tune`: labels since a change decide how
much older ones count. `active`: every label, weighed by the chance that people were asked about its
item; older ones count as the champion's training found.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trainer.promise.patience import waits_for_certification
from services.trainer.registry import repository as registry
from services.trainer.runs import repository
from services.trainer.tables import ProjectState, Version
from shared.contracts.base import rfc3339
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


@dataclass(frozen=True)
class Mode:
    """A mode with the reason for it, words that end a sentence."""

    name: str
    reason: str


async def choose(session: Session, state: ProjectState, wanted: str | None = None) -> Mode:
    """Return the mode that was `wanted`, or the one that the state calls for."""
    if wanted is not None:
        return Mode(wanted, "the mode was asked for")
    champion = await registry.find(session, state.project, state.champion)
    if champion is None:
        return Mode("initial", "no version serves yet")
    change = await change_since(session, state.project, champion)
    if change is not None:
        words = f"{change.words} on {rfc3339(change.at)}, after {champion.version} was trained"
        return Mode("fine_tune", words)
    return Mode("active", f"no change was found since {champion.version} was trained")


async def change_since(
    session: Session, project: str, champion: Version | None
) -> repository.TrafficChange | None:
    """Return the change that was found since the champion was trained; None without a champion."""
    change = await repository.last_change(session, project)
    if champion is None or change is None or change.at <= champion.created_at:
        return None
    return change


async def older_weight(session: Session, project: str, mode: str) -> float | None:
    """Return how much labels from before the last change count; None where the run finds out.

    In `active` they count as the champion's training has found, where it looked into that.
    """
    if mode == "initial":
        return 1.0
    champion = None if mode == "fine_tune" else await registry.champion(session, project)
    if champion is None or await change_since(session, project, champion) is not None:
        return None
    report = champion.manifest.get("report") or {}
    found = (report.get("weighting") or {}).get("older")
    return None if found is None else float(found)
