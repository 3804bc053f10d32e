"""Routes of projects."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Response, status

from services.review_queue.projects import messages
from services.review_queue.projects.service import ProjectService
from shared.contracts.base import PROJECT_PATTERN
from shared.contracts.projects import Project
from shared.http.access import ByAnyRole, ByOperator, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_cursor
from shared.problems import Conflict, Unavailable, Unprocessable, declare

router = APIRouter(prefix="/v1/projects", route_class=StrictRoute, tags=["projects"])

NewName = Annotated[str, Path(pattern=PROJECT_PATTERN)]
IfMatch = Annotated[str | None, Header(description='The revision to edit, e.g. `"3"`.')]
DryRun = Annotated[bool, Query(description="Write nothing; answer what the edit would do.")]
_MERGE_PATCH = "application/merge-patch+json"
Patch = Annotated[dict[str, Any], Body(media_type=_MERGE_PATCH)]
_PATCH_SCHEMA = {"type": "object", "title": "Patch"}


def _revision(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    text = if_match.strip().removeprefix('"').removesuffix('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Unprocessable([("/header/If-Match", 'must be a revision, e.g. "3"')])
    return int(text)


def _terms(
    if_match: IfMatch = None,
    allow_label_removal: Annotated[
        bool, Query(description="Remove labels even if tasks use them.")
    ] = False,
) -> messages.EditTerms:
    return messages.EditTerms(_revision(if_match), allow_label_removal)


Terms = Annotated[messages.EditTerms, Depends(_terms)]


@router.put(
    "/{project}",
    summary="Create or replace a project",
    responses={
        201: {"model": Project, "description": "Created"},
        **declare(Conflict, Unavailable),
    },
)
async def put_project(
    project: NewName,
    statement: messages.ProjectStatement,
    projects: Injected[ProjectService],
    _: ByOperator,
    response: Response,
    terms: Terms,
    dry_run: DryRun = False,
) -> Project | messages.ProjectPreview:
    """Answer once project.json is in the store. With `If-Match` only that revision is replaced.

    Members that are left out get their defaults; PATCH changes only what it names.
    """
    if dry_run:
        return await projects.preview(project, statement, terms)
    stored, created = await projects.put(project, statement, terms)
    response.status_code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
    response.headers["ETag"] = f'"{stored.revision}"'
    return stored


@router.patch(
    "/{project}",
    summary="Change a project",
    responses=declare(Conflict, Unavailable),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": _PATCH_SCHEMA}}}},
)
async def patch_project(
    project: str,
    patch: Patch,
    projects: Injected[ProjectService],
    _: ByOperator,
    response: Response,
    terms: Terms,
    dry_run: DryRun = False,
) -> Project | messages.ProjectPreview:
    """Apply a JSON merge patch (RFC 7386) to the project as GET gives it.

    A member that is left out stays; null resets one to its default. Takes the body's members of
    PUT, `application/merge-patch+json` or `application/json`, and `If-Match` as PUT does.
    """
    if dry_run:
        return await projects.preview_patch(project, patch, terms)
    stored = await projects.patch(project, patch, terms)
    response.headers["ETag"] = f'"{stored.revision}"'
    return stored


@router.post("/{project}/archive", summary="Archive a project", responses=declare(Unavailable))
async def archive_project(
    project: str, projects: Injected[ProjectService], _: ByOperator
) -> Project:
    """Make the project read-only: it takes no tasks, leases, edits or predictions."""
    return await projects.archive(project, True)


@router.post("/{project}/unarchive", summary="Unarchive a project", responses=declare(Unavailable))
async def unarchive_project(
    project: str, projects: Injected[ProjectService], _: ByOperator
) -> Project:
    """Let the project take tasks, leases, edits and predictions again."""
    return await projects.archive(project, False)


@router.get("", summary="List projects by name")
async def list_projects(
    projects: Injected[ProjectService], who: ByAnyRole, limit: Limit = 100, after: After = None
) -> messages.ProjectList:
    """Return those that the token may enter."""
    place = decode_cursor(after) or ""
    return await projects.page(after=place, limit=limit, only=who.projects)


@router.get("/{project}", summary="Read a project")
async def get_project(
    project: str, projects: Injected[ProjectService], _: ByAnyRole, response: Response
) -> Project:
    """Return the project; its revision is also the `ETag`."""
    stored = await projects.get(project)
    response.headers["ETag"] = f'"{stored.revision}"'
    return stored
