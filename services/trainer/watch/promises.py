"""The promises of many projects at once, and what comes next for each."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.trainer.documents.status import status_of, why_not_valid
from services.trainer.outcomes.repository import labels_for_next_run
from services.trainer.projects.repository import champions
from services.trainer.promise import repository as certifications
from services.trainer.resources import Resources
from services.trainer.tables import Version
from services.trainer.watch import repository
from services.trainer.watch.messages import (
    CertificationUnderWay,
    NextEvent,
    ProjectPromise,
    Promises,
)
from shared.contracts.projects import Project
from shared.contracts.reasons import WHY_NOT
from shared.db import Session


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


async def certification_under_way(
    session: Session, project: Project
) -> CertificationUnderWay | None:
    """Return how far the open certification is, or the first one that waits; None: there is none.

    `needed` counts the labels that reviewers have still to give: one for each content.
    """
    pending = await certifications.pending(session, project.project)
    if not pending:
        return None
    first = pending[0]
    progress = await certifications.progress(session, first.certification_id)
    is_open = first.state == "open"
    return CertificationUnderWay(
        version=first.version,
        purpose=first.purpose,  # type: ignore[arg-type]
        state=first.state,  # type: ignore[arg-type]
        drawn=progress.drawn,
        answered=progress.answered,
        needed=progress.missing if is_open else project.promise.certification_labels,
        detail=first.detail,
    )


def next_version(project: Project, labels: int) -> NextEvent:
    """Return how many labels are missing until a version is trained, where `labels` are there."""
    missing = max(0, project.training.min_new_labels - labels)
    text = "a version is due"
    if missing:
        text = f"{missing} {'label' if missing == 1 else 'labels'} to go until a version is trained"
    return NextEvent(event="training", labels=missing, text=text)


def next_event(
    version: Version, why_not: str | None, under_way: CertificationUnderWay | None, now: datetime
) -> NextEvent | None:
    """Return the labels that an open certification needs, or else the end of a valid certificate.

    None if neither is to come.
    """
    if under_way is not None and under_way.state == "open":
        labels = under_way.needed
        text = f"{labels} {'label' if labels == 1 else 'labels'} to go for {under_way.version}"
        return NextEvent(event="certification", labels=labels, text=text)
    if why_not is None and version.expires_at is not None:
        text = f"expires in {_in_words(version.expires_at - now)}"
        return NextEvent(event="expiry", at=version.expires_at, text=text)
    return None


def _in_words(left: timedelta) -> str:
    hours = max(left.total_seconds(), 0) / 3600
    number, unit = (hours / 24, "days") if hours >= 48 else (hours, "hours")
    return f"{number:.0f} {unit}"
