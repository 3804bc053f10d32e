"""What comes next for a promise: the certification under way, and the next event."""

from datetime import datetime, timedelta

from services.trainer.promise import repository as certifications
from services.trainer.tables import Version
from services.trainer.watch.messages import CertificationUnderWay, NextEvent
from shared.contracts.projects import Project
from shared.db import Session


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
