"""What routes take from the request, and what all routes of a project have in common."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from services.trainer.resources import Resources
from shared.auth import Principal, allow
from shared.contracts.base import PROJECT_PATTERN
from shared.contracts.projects import Project
from shared.http.body import StrictRoute
from shared.problems import (
    Forbidden,
    NotFound,
    Unauthorized,
    Unavailable,
    Unprocessable,
    declare,
)


def project_router(tag: str) -> APIRouter:
    """Make a router for paths below ``/v1/projects/{project}``."""
    return APIRouter(
        prefix="/v1/projects/{project}",
        tags=[tag],
        route_class=StrictRoute,
        responses=declare(Unauthorized, Forbidden, NotFound, Unprocessable, Unavailable),
    )


async def resources_of(request: Request) -> Resources:
    """Return what use cases work with."""
    resources: Resources = request.app.state.resources
    return resources


Tools = Annotated[Resources, Depends(resources_of)]
Operator = Annotated[Principal, Depends(allow("operator"))]


async def project_of(
    tools: Tools, _: Operator, project: Annotated[str, Path(pattern=PROJECT_PATTERN)]
) -> Project:
    """Return the path's project, once the caller is known to be an operator of it."""
    return await tools.projects.require(project)


InProject = Annotated[Project, Depends(project_of)]
