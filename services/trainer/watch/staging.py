"""The stages of a canary, and the way back when an audit alarms.

A certified version that takes over from a certified champion by stages gets the next share of the
traffic once enough of its audited answers were reviewed at the present one, and loses its share
when its audit suspends it. What an operator sets by hand is left alone.
"""

from datetime import datetime
from typing import Any

import structlog

from services.trainer.documents.status import status_of
from services.trainer.gate.candidacy import Candidacy
from services.trainer.gate.taking_over import forget, serve_all
from services.trainer.projects import channels
from services.trainer.projects.repository import locking, read_state
from services.trainer.promise.periods import alarmed_at
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.shadow import service as shadow
from services.trainer.tables import AuditWatch, ProjectState, Version
from shared.contracts.base import rfc3339
from shared.contracts.projects import Project
from shared.contracts.reasons import WHY_NOT
from shared.db import Session

log = structlog.get_logger()


async def step_stages(resources: Resources, project: Project) -> None:
    """Go on with shadow stages and the canary, and roll back from a champion that is suspended."""
    await shadow.step(resources, project)
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
    if state is None or (state.challenger is None and not _rolls_back(project)):
        return
    async with locking(resources.database, project.project) as (session, state):
        await _advance(resources, session, project, state)
        if _rolls_back(project):
            await _roll_back(resources, session, project, state)


def _rolls_back(project: Project) -> bool:
    return project.training.gate.rollback_on_alarm


async def _advance(
    resources: Resources, session: Session, project: Project, state: ProjectState
) -> None:
    version = await registry.find(session, project.project, state.challenger)
    stage: dict[str, Any] | None = None if version is None else version.gate.get("canary")
    if version is None or stage is None:
        return
    now, settings = resources.now(), project.training.gate
    ended = _why_ended(version, project, state, stage, now)
    candidacy = Candidacy(session, project, state, version, now)
    if ended is not None:
        candidacy.note("canary_ended", text=ended)
        forget(version, "canary")
        channels.leave_channels(state, version.version)
        log.warning("canary_ended", project=project.project, version=version.version, detail=ended)
        return
    watch = await session.get(AuditWatch, (project.project, version.version))
    if watch is None or watch.reviewed - stage.get("reviewed", 0) < settings.canary_audits:
        return
    seen = f"{watch.errors} of {watch.reviewed} audited answers were wrong"
    shares, place = settings.canary, int(stage["stage"]) + 1
    if place >= len(shares):
        forget(version, "canary")
        serve_all(candidacy, note=seen)
        return
    document = {"share": shares[place], "stage": place + 1, "stages": len(shares)}
    candidacy.note("canary", text=seen, document=document)
    moved = {"stage": place, "reviewed": watch.reviewed, "since": rfc3339(now)}
    candidacy.keep("canary", stage | moved)
    channels.make_challenger(state, version.version, shares[place])


def _why_ended(
    version: Version, project: Project, state: ProjectState, stage: dict[str, Any], now: datetime
) -> str | None:
    """Say why the canary ends; None if it goes on."""
    status = status_of(version, project, None, now)
    if not status.answers:
        told = (version.suspension or {}).get("detail")
        return WHY_NOT.get(status.cause, status.cause) if told is None else str(told)
    if stage["champion"] != state.champion:
        return f"it was compared with {stage['champion']}, which no longer serves"
    return None


async def _roll_back(
    resources: Resources, session: Session, project: Project, state: ProjectState
) -> None:
    """Let the previous champion serve if an alarm suspended the present one, and it may."""
    now = resources.now()
    champion = await registry.find(session, project.project, state.champion)
    previous = await registry.find(session, project.project, state.previous)
    if champion is None or previous is None or alarmed_at(champion.suspension) is None:
        return
    if (champion.suspension or {})["cause"] == "drift":
        return  # the items changed, and the previous champion's certificate is no newer
    if previous.retired or not status_of(previous, project, None, now).answers:
        return
    detail = (champion.suspension or {}).get("detail")
    serve_all(Candidacy(session, project, state, previous, now), "rolled_back", note=detail)
    log.warning("rolled_back", project=project.project, version=previous.version, detail=detail)
