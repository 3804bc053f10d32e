"""Decisions a day as use cases."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from services.trainer.ledger.days import repository
from services.trainer.ledger.days.counting import BINS
from services.trainer.ledger.days.messages import (
    AnsweredDay,
    ConfidenceBin,
    DaysOfProjects,
    DecisionDays,
    ProjectDays,
    ReasonDay,
)
from services.trainer.resources import Resources

# The reason of what a model answered.
_ANSWERED = "confident"


async def decision_days(
    resources: Resources, project: str, days: int, version: str | None
) -> DecisionDays:
    """Return the decisions of the last `days` days by reason, and their confidences."""
    first = _first_day(resources, days)
    async with resources.database.reading() as session:
        rows = await repository.since(session, project, first, version)
    by_reason: Counter[tuple[str, str]] = Counter()
    bins = [0] * BINS
    for row in rows:
        by_reason[row.day, row.reason] += row.decisions
        bins = [old + new for old, new in zip(bins, row.confidences, strict=True)]
    return DecisionDays(
        days=[
            ReasonDay(day=date.fromisoformat(day), reason=reason, decisions=decisions)
            for (day, reason), decisions in by_reason.items()
        ],
        confidences=[
            ConfidenceBin(lowest=at / BINS, highest=(at + 1) / BINS, decisions=decisions)
            for at, decisions in enumerate(bins)
        ],
    )


async def days_of_projects(
    resources: Resources, projects: Sequence[str], days: int
) -> DaysOfProjects:
    """Return the decisions of the last `days` days of several projects, in one statement."""
    first = _first_day(resources, days)
    found: dict[str, list[AnsweredDay]] = {project: [] for project in projects}
    async with resources.database.reading() as session:
        rows = await repository.of_projects(session, found.keys(), first, _ANSWERED)
    for row in rows:
        day = date.fromisoformat(row.day)
        found[row.project].append(
            AnsweredDay(day=day, decisions=row.decisions, answered=row.answered)
        )
    return DaysOfProjects(
        projects=[ProjectDays(project=project, days=known) for project, known in found.items()]
    )


def _first_day(resources: Resources, days: int) -> str:
    """Return the first of so many days, of which today is the last."""
    return (resources.now() - timedelta(days=days - 1)).date().isoformat()
