"""Routes of decisions a day."""

from typing import Annotated

from fastapi import Query

from services.trainer.ledger.days import service
from services.trainer.ledger.days.messages import DaysOfProjects, DecisionDays
from services.trainer.resources import (
    InProject,
    NamedProjects,
    Tools,
    all_projects_router,
    project_router,
)
from shared.contracts.versions import VERSION_PATTERN

router = project_router("evidence")
all_projects = all_projects_router("evidence")

DaysQuery = Annotated[
    int, Query(ge=1, le=366, description="So many days, of which today (UTC) is the last.")
]
VersionQuery = Annotated[
    str | None, Query(pattern=f"^{VERSION_PATTERN}$", description="Only what this version scored.")
]


@router.get("/decisions/days", summary="Count decisions a day by reason")
async def list_days(
    tools: Tools, project: InProject, days: DaysQuery = 30, version: VersionQuery = None
) -> DecisionDays:
    """Count the ledger's decisions by day and reason, and by confidence.

    Counts are kept as the ledger is read, some seconds after a decision, and as long as its rows.
    """
    return await service.decision_days(tools, project.project, days, version)


@all_projects.get("/decisions/days", summary="Count decisions a day in several projects")
async def list_days_of_projects(
    tools: Tools, projects: NamedProjects, days: DaysQuery = 14
) -> DaysOfProjects:
    """Count decisions, and those that a model answered, by day. One statement for all projects.

    A project that does not exist has no days. Refused if the token is not for all of them.
    """
    return await service.days_of_projects(tools, projects, days)
