"""Routes of projects."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Response, status

from services.review_queue.projects.messages import ProjectList
from services.review_queue.projects.service import ProjectService
from shared.contracts.base import PROJECT_PATTERN
from shared.contracts.projects import Project, ProjectSpec
from shared.http.access import ByAnyRole, ByOperator, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_cursor
from shared.problems import (
    CALLER_PROBLEMS,
    READ_PROBLEMS,
    BodyTooLarge,
    Conflict,
    NotJson,
    Unavailable,
    Unprocessable,
    declare,
)

router = APIRouter(prefix="/v1/projects", route_class=StrictRoute, tags=["projects"])

NewName = Annotated[str, Path(pattern=PROJECT_PATTERN)]
IfMatch = Annotated[str | None, Header(description='The revision to replace, e.g. `"3"`.')]


@router.put(
    "/{project}",
    summary="Create or replace a project",
    responses={
        201: {"model": Project, "description": "Created"},
        **declare(*CALLER_PROBLEMS, NotJson, Conflict, BodyTooLarge, Unprocessable, Unavailable),
    },
)
async def put_project(
    project: NewName,
    spec: ProjectSpec,
    projects: Injected[ProjectService],
    _: ByOperator,
    response: Response,
    if_match: IfMatch = None,
) -> Project:
    """Answer once project.json is in the store. With `If-Match` only that revision is replaced."""
    stored, created = await projects.put(project, spec, _revision(if_match))
    response.status_code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
    response.headers["ETag"] = f'"{stored.revision}"'
    return stored


def _revision(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    text = if_match.strip().removeprefix('"').removesuffix('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Unprocessable([("/header/If-Match", 'must be a revision, e.g. "3"')])
    return int(text)


@router.get("", summary="List projects by name", responses=declare(*CALLER_PROBLEMS, Unprocessable))
async def list_projects(
    projects: Injected[ProjectService], who: ByAnyRole, limit: Limit = 100, after: After = None
) -> ProjectList:
    """Return those that the token may enter."""
    place = decode_cursor(after) or ""
    return await projects.page(after=place, limit=limit, only=who.projects)


@router.get("/{project}", summary="Read a project", responses=declare(*READ_PROBLEMS))
async def get_project(
    project: str, projects: Injected[ProjectService], _: ByAnyRole, response: Response
) -> Project:
    """Return the project; its revision is also the `ETag`."""
    stored = await projects.get(project)
    response.headers["ETag"] = f'"{stored.revision}"'
    return stored
