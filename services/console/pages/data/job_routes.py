"""Jobs: score a file, label the rest of the pool, and export all labels."""

from typing import Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.console.pages.data.files import require_own, streamed
from services.console.web.cards import card, words_of
from services.console.web.paging import paging
from services.console.web.project_pages import call, load_project, project_page
from services.console.web.visit import Form, Posted, Visit, Visited, page_path, project_path
from surehand import SurehandError

router = APIRouter(include_in_schema=False)
UPLOAD_PATH = r"/projects/[^/]+/data/jobs/file"
_SHOWN = 20
_UPLOAD_SECONDS = 600.0
_MEDIA_TYPES = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

FileFormat = Literal["csv", "jsonl", "parquet"]


@router.get("/projects/{name}/data/jobs")
async def show(visit: Visited, name: str, after: str | None = None) -> Response:
    """List the jobs, newest first, or show them as they are now."""
    if visit.fragment == "jobs":
        found = await _jobs(visit, name, after)
        given = {"jobs": found, "rows": found.value["jobs"] if found else []}
        return visit.page("data/_jobs.html", project={"project": name}, **given)
    return await _page(visit, name, after=after)


@router.post("/projects/{name}/data/jobs")
async def act(form: Posted, name: str) -> Response:
    """Begin to label the pool, or cancel a job."""
    try:
        notice = await _act(form, name)
    except SurehandError as error:
        return await _page(form.visit, name, fault=words_of(error), status=409)
    return form.visit.to(f"{page_path(name)}/data/jobs", notice)


async def _act(form: Form, name: str) -> str:
    if form.text("act") == "cancel":
        path = f"jobs/{quote(form.text('job'), safe='')}/cancel"
        await call(form.visit, "trainer", "POST", name, path)
        return "job-cancelled"
    body = {"ask": form.text("ask") == "on"}
    await call(form.visit, "trainer", "POST", name, "pool/autolabel", json=body)
    return "autolabel"


@router.post("/projects/{name}/data/jobs/file")
async def score(visit: Visited, request: Request, name: str, format: FileFormat) -> Response:  # noqa: A002
    """Hand a file on to the trainer as the browser sends it."""
    require_own(visit, request)
    headers = {"Content-Type": _MEDIA_TYPES[format]}
    length = request.headers.get("content-length")
    if length is not None:
        headers["Content-Length"] = length
    job = await call(
        visit,
        "trainer",
        "POST",
        name,
        "scoring",
        # A body that is read as it comes can be sent once.
        content=request.stream,
        headers=headers,
        timeout=_UPLOAD_SECONDS,
        is_idempotent=False,
    )
    return JSONResponse(job, 202)


@router.get("/projects/{name}/data/jobs/{job_id}/result")
async def result(visit: Visited, name: str, job_id: str, format: FileFormat = "csv") -> Response:  # noqa: A002
    """Stream the result of a scoring job."""
    path = f"{project_path(name)}/jobs/{quote(job_id, safe='')}/result"
    file_name, params = f"{name}-scored-{job_id[:8]}.{format}", {"format": format}
    return await streamed(visit, "trainer", path, file_name, _MEDIA_TYPES[format], params)


@router.get("/projects/{name}/data/labels")
async def labels(visit: Visited, name: str, format: FileFormat = "csv") -> Response:  # noqa: A002
    """Stream all labels, people's and versions'."""
    path, params = f"{project_path(name)}/labels", {"format": format}
    file_name = f"{name}-labels.{format}"
    return await streamed(visit, "trainer", path, file_name, _MEDIA_TYPES[format], params)


async def _jobs(visit: Visit, name: str, after: str | None) -> Any:
    params = {"limit": _SHOWN, "after": after}
    return await card(call(visit, "trainer", "GET", name, "jobs", params=params))


async def _page(
    visit: Visit,
    name: str,
    *,
    after: str | None = None,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    project = await load_project(visit, name)
    jobs = await _jobs(visit, name, after)
    context: dict[str, Any] = {
        "jobs": jobs,
        "rows": jobs.value["jobs"] if jobs else [],
        "pool": await card(call(visit, "trainer", "GET", name, "pool")),
        "paging": paging(visit.request, jobs.value["cursor"] if jobs else None),
        "fault": fault or project.get("away"),
        "part": "Jobs",
    }
    return project_page(visit, project, "Data", "data/jobs.html", status=status, **context)
