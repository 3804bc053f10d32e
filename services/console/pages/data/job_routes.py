"""Jobs: score a file, label the rest of the pool, and export all labels."""

from typing import Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.console.pages.data.files import MEDIA_TYPES, handed_on, streamed
from services.console.web.cards import Card, card
from services.console.web.paging import paging
from services.console.web.project_pages import acted, call, get, load_project, project_page
from services.console.web.visit import Form, Posted, Visit, Visited, project_path

router = APIRouter(include_in_schema=False)
UPLOAD_PATH = r"/projects/[^/]+/data/jobs/file"
_SHOWN = 20

FileFormat = Literal["csv", "jsonl", "parquet"]


@router.get("/projects/{name}/data/jobs")
async def show(visit: Visited, name: str, after: str | None = None) -> Response:
    """List the jobs, newest first, or show them as they are now."""
    if visit.fragment == "jobs":
        found = await _jobs(visit, name, after)
        return visit.page(
            "data/_jobs.html", project={"project": name}, jobs=found, rows=found.listed("jobs")
        )
    return await _page(visit, name, after)


@router.post("/projects/{name}/data/jobs")
async def act(form: Posted, name: str) -> Response:
    """Begin to label the pool, or cancel a job."""
    return await acted(form, name, "/data/jobs", _act, _page)


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
    headers = {"Content-Type": MEDIA_TYPES[format]}
    return JSONResponse(await handed_on(visit, request, "POST", name, "scoring", headers), 202)


@router.get("/projects/{name}/data/jobs/{job_id}/result")
async def result(visit: Visited, name: str, job_id: str, format: FileFormat = "csv") -> Response:  # noqa: A002
    """Stream the result of a scoring job."""
    path = f"{project_path(name)}/jobs/{quote(job_id, safe='')}/result"
    file_name, params = f"{name}-scored-{job_id[:8]}.{format}", {"format": format}
    return await streamed(visit, "trainer", path, file_name, MEDIA_TYPES[format], params)


@router.get("/projects/{name}/data/labels")
async def labels(visit: Visited, name: str, format: FileFormat = "csv") -> Response:  # noqa: A002
    """Stream all labels, people's and versions'."""
    path, params = f"{project_path(name)}/labels", {"format": format}
    file_name = f"{name}-labels.{format}"
    return await streamed(visit, "trainer", path, file_name, MEDIA_TYPES[format], params)


async def _jobs(visit: Visit, name: str, after: str | None) -> Card:
    return await card(get(visit, "trainer", name, "jobs", limit=_SHOWN, after=after))


async def _page(visit: Visit, name: str, after: str | None = None, **shown: Any) -> Response:
    project = await load_project(visit, name)
    jobs = await _jobs(visit, name, after)
    context: dict[str, Any] = {
        "jobs": jobs,
        "rows": jobs.listed("jobs"),
        "pool": await card(get(visit, "trainer", name, "pool")),
        "paging": paging(visit.request, jobs.cursor),
        "part": "Jobs",
        **shown,
    }
    return project_page(visit, project, "Data", "data/jobs.html", **context)
