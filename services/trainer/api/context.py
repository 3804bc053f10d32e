"""What routes take from the request."""

from typing import Annotated

from fastapi import Depends, Path, Request

from services.trainer.resources import Resources
from shared.auth import Principal, allow
from shared.contracts.base import PROJECT_PATTERN
from shared.contracts.projects import Project


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
