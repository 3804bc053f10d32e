"""Which mode a run has, and why: what it trains on, and how the labels weigh.

`initial`: every label, all the same; it waits for the quality of the first labels. `fine_tune`:
labels since a change decide how much older ones count. `active`: every label, weighed by the chance
that people were asked about its item; older ones count as the champion's training found.
"""

from dataclasses import dataclass

from services.trainer.projects.repository import read_state
from services.trainer.registry import repository as registry
from services.trainer.runs import repository
from services.trainer.tables import ProjectState, Version
from shared.contracts.base import rfc3339
from shared.db import Session


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
) -> repository.Change | None:
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
    state = await read_state(session, project)
    name = None if state is None else state.champion
    champion = None if mode == "fine_tune" else await registry.find(session, project, name)
    if champion is None or await change_since(session, project, champion) is not None:
        return None
    report = champion.manifest.get("report") or {}
    found = (report.get("weighting") or {}).get("older")
    return None if found is None else float(found)
