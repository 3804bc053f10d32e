"""Routes of the jobs, and of the labels that they made."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from services.trainer.idempotency.service import IdempotencyKey, KeyReused
from services.trainer.jobs import autolabel, service
from services.trainer.jobs.labels import service as labels
from services.trainer.jobs.labels.messages import LabelSource
from services.trainer.jobs.messages import (
    AutolabelRequest,
    FileFormat,
    Jobs,
    JobView,
    StoredFile,
)
from services.trainer.jobs.results import open_result
from services.trainer.jobs.service import NothingServes
from services.trainer.resources import InActiveProject, InProject, Operator, Tools, project_router
from shared import parquet
from shared.http.body import parse_json
from shared.http.lists import After, Limit, decode_cursor, encode_cursor
from shared.problems import BodyTooLarge, Conflict, NotJson, ProjectArchived, Unprocessable, declare
from shared.problems.faults import faults_of

router = project_router("jobs")
FormatQuery = Annotated[FileFormat, Query(alias="format")]

# Bodies on this path are read past the ordinary limit.
SCORING_PATH = r"/v1/projects/[^/]+/scoring"
_LONGEST_JSON = 64 * 1024
_UPLOADS: dict[str, FileFormat] = {
    "text/csv": "csv",
    "application/x-ndjson": "jsonl",
    parquet.MEDIA_TYPE: "parquet",
}
_MEDIA_TYPES = {form: media_type for media_type, form in _UPLOADS.items()}
_FILE: dict[str, Any] = {
    media_type: {"schema": {"type": "string"} | ({"format": "binary"} if form == "parquet" else {})}
    for media_type, form in _UPLOADS.items()
}
_BODY: dict[str, Any] = {
    **_FILE,
    "application/json": {"schema": StoredFile.model_json_schema()},
}


@router.post(
    "/scoring",
    status_code=202,
    summary="Score a file by job",
    responses=declare(NotJson, BodyTooLarge, ProjectArchived, NothingServes, KeyReused),
    openapi_extra={"requestBody": {"required": True, "content": _BODY}},
)
async def score(
    request: Request,
    response: Response,
    tools: Tools,
    project: InActiveProject,
    operator: Operator,
    idempotency_key: IdempotencyKey = None,
) -> JobView:
    """Score a CSV, JSON Lines or Parquet file under the promise of the version that serves.

    The body is the file, or JSON that names one in the store. Rows are decided as `predict` with
    `review` `never` decides them, by the same certificate; nothing is audited or logged.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        wanted = await _stored_file(request)
        job = await service.score_stored(tools, project, wanted, operator.subject, idempotency_key)
    elif media_type in _UPLOADS:
        form = _UPLOADS[media_type]
        body = request.stream()
        job = await service.score_upload(
            tools, project, body, form, operator.subject, idempotency_key
        )
    else:
        fault = f"must be one of {', '.join(_BODY)}"
        raise Unprocessable([("/header/content-type", fault)])
    response.headers["Location"] = f"/v1/projects/{project.project}/jobs/{job.job_id}"
    return job


async def _stored_file(request: Request) -> StoredFile:
    """Read a body that names a file: the path's limit is that of files, which nothing holds."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_JSON:
            raise BodyTooLarge(_LONGEST_JSON)
    try:
        return StoredFile.model_validate(parse_json(body))
    except ValidationError as error:
        raise Unprocessable(faults_of(error)) from error


@router.post(
    "/pool/autolabel",
    status_code=202,
    summary="Label the rest of the pool",
    responses=declare(ProjectArchived, NothingServes, KeyReused),
)
async def label_pool(
    wanted: AutolabelRequest,
    response: Response,
    tools: Tools,
    project: InActiveProject,
    operator: Operator,
    idempotency_key: IdempotencyKey = None,
) -> JobView:
    """Decide every item of the pool that waits: certified answers become labels, others tasks.

    Such labels have the source `model`: they train nothing and prove nothing. While a job of this
    kind is active, it is returned.
    """
    job = await autolabel.begin(tools, project, wanted, operator.subject, idempotency_key)
    response.headers["Location"] = f"/v1/projects/{project.project}/jobs/{job.job_id}"
    return job


@router.get("/jobs", summary="List jobs, newest first")
async def list_jobs(
    tools: Tools, project: InProject, limit: Limit = 100, after: After = None
) -> Jobs:
    """List the jobs of the last 30 days."""
    page = await service.list_jobs(tools, project.project, decode_cursor(after), limit)
    cursor = encode_cursor(page[-1].job_id) if len(page) == limit else None
    return Jobs(jobs=list(page), cursor=cursor)


@router.get("/jobs/{job_id}", summary="Show one job")
async def describe(tools: Tools, project: InProject, job_id: str) -> JobView:
    """Say how far a job is."""
    return await service.describe(tools, project.project, job_id)


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job")
async def cancel(tools: Tools, project: InProject, job_id: str) -> JobView:
    """End a job, which keeps what it has done; one that has ended stays as it is."""
    return await service.cancel(tools, project.project, job_id)


@router.get(
    "/jobs/{job_id}/result",
    summary="Download the result of a scoring job",
    response_class=StreamingResponse,
    responses={200: {"description": "The file", "content": _FILE}, **declare(Conflict)},
)
async def download(
    tools: Tools, project: InProject, job_id: str, form: FormatQuery = "jsonl"
) -> StreamingResponse:
    """Return one row for each row of the file, in its order, once the job has ended."""
    pieces = await open_result(tools, project.project, job_id, form)
    return _file(pieces, form, f"{project.project}-scored-{job_id[:8]}")


@router.get(
    "/labels",
    summary="Export all labels",
    response_class=StreamingResponse,
    responses={200: {"description": "The file", "content": _FILE}},
)
async def export_labels(
    tools: Tools, project: InProject, form: FormatQuery = "jsonl", source: LabelSource = "all"
) -> StreamingResponse:
    """Return each labelled item with its label's source, confidence, verdicts and certificate."""
    pieces = await labels.export(tools, project, form, source)
    return _file(pieces, form, f"{project.project}-labels")


def _file(pieces: Any, form: FileFormat, name: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return StreamingResponse(pieces, headers=headers, media_type=_MEDIA_TYPES[form])
