"""Routes of decisions a day."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.trainer.ledger.days import service
from services.trainer.ledger.days.messages import DaysOfProjects, DecisionDays
from services.trainer.resources import InProject, Operator, Tools, project_router
from shared.contracts.base import PROJECT_PATTERN
from shared.contracts.versions import VERSION_PATTERN
from shared.http.body import StrictRoute
from shared.problems import CALLER_PROBLEMS, Forbidden, Unavailable, Unprocessable, declare

router = project_router("evidence")
all_projects = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["evidence"])

DaysQuery = Annotated[
    int, Query(ge=1, le=366, description="So many days, of which today (UTC) is the last.")
]
VersionQuery = Annotated[
    str | None, Query(pattern=f"^{VERSION_PATTERN}$", description="Only what this version scored.")
]
ProjectsQuery = Annotated[
    list[Annotated[str, Query(pattern=PROJECT_PATTERN)]],
    Query(min_length=1, max_length=100, description="Which projects; once for each."),
]


@router.get("/decisions/days", summary="Count decisions a day by reason")
async def list_days(
    tools: Tools, project: InProject, days: DaysQuery = 30, version: VersionQuery = None
) -> DecisionDays:
    """Count the ledger's decisions by day and reason, and by confidence.

    Counts are kept as the ledger is read, some seconds after a decision, and as long as its rows.
    """
    return await service.decision_days(tools, project.project, days, version)


@all_projects.get(
    "/decisions/days",
    summary="Count decisions a day in several projects",
    responses=declare(*CALLER_PROBLEMS, Unprocessable, Unavailable),
)
async def list_days_of_projects(
    tools: Tools, who: Operator, project: ProjectsQuery, days: DaysQuery = 14
) -> DaysOfProjects:
    """Count decisions, and those that a model answered, by day. One statement for all projects.

    A project that does not exist has no days. Refused if the token is not for all of them.
    """
    if any(not who.may_enter(one) for one in project):
        raise Forbidden("Name only projects that the token is for.")
    return await service.days_of_projects(tools, project, days)
