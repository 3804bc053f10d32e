"""Routes of import and export."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from services.review_queue.exchange.exporting import ExportService
from services.review_queue.exchange.formats import FORMATS, Format
from services.review_queue.exchange.importing import ImportService
from services.review_queue.exchange.records import ImportReport
from services.review_queue.lifecycle.routes.tasks import AgeSeconds
from services.review_queue.lifecycle.tasks.repository import TaskFilter
from shared.contracts.base import Label
from shared.contracts.tasks import Lane, Reviewer, TaskState
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.problems import BodyTooLarge, ProjectArchived, Unprocessable, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["exchange"])

# Bodies on this path are read past the ordinary limit.
IMPORT_PATH = r"/v1/projects/[^/]+/import"
_BY_MEDIA_TYPE: dict[str, Format] = {kind.media_type: name for name, kind in FORMATS.items()}
_FILE: dict[str, Any] = {kind.media_type: {"schema": kind.schema} for kind in FORMATS.values()}


@router.post(
    "/import",
    summary="Import tasks with their answers",
    responses=declare(BodyTooLarge, ProjectArchived),
    openapi_extra={"requestBody": {"required": True, "content": _FILE}},
)
async def post_import(
    project: str,
    request: Request,
    imports: Injected[ImportService],
    who: ByOperator,
    form: Annotated[
        Format | None, Query(alias="format", description="Default: by the content type.")
    ] = None,
    lane: Annotated[Lane, Query(description="Lane of rows without one.")] = "mandatory",
) -> ImportReport:
    """Import rows while the body arrives. Invalid rows are listed, and the others are imported.

    Sending the same file again changes nothing. An existing task that is open and not leased gets
    the answers of reviewers who have not answered it before.
    """
    return await imports.take(
        project, form or _format_of(request), request.stream(), lane=lane, actor=who.subject
    )


def _format_of(request: Request) -> Format:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _BY_MEDIA_TYPE:
        fault = f"must be one of {', '.join(_BY_MEDIA_TYPE)}, unless `format` is given"
        raise Unprocessable([("/header/content-type", fault)])
    return _BY_MEDIA_TYPE[media_type]


@router.get(
    "/export",
    summary="Export tasks with their answers",
    response_class=StreamingResponse,
    responses={200: {"description": "The file", "content": _FILE}},
)
async def get_export(
    project: str,
    exports: Injected[ExportService],
    _: ByOperator,
    form: Annotated[Format, Query(alias="format")] = "jsonl",
    state: TaskState | None = None,
    lane: Lane | None = None,
    label: Annotated[Label | None, Query()] = None,
    reviewer: Annotated[Reviewer | None, Query()] = None,
    older_than_seconds: AgeSeconds = None,
) -> StreamingResponse:
    """Return the tasks that all given filters hold for, oldest first, as a file."""
    older_than = None if older_than_seconds is None else timedelta(seconds=older_than_seconds)
    wanted = TaskFilter(state, lane, label, reviewer, older_than)
    export = await exports.open(project, form, wanted)
    headers = {"Content-Disposition": f'attachment; filename="{export.file_name}"'}
    return StreamingResponse(export.chunks, media_type=export.media_type, headers=headers)
