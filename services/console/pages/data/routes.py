"""Data: upload, the pool, label counts, suspects and export."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from services.console.pages.data import gold_routes, job_routes, learning_routes, snapshot_routes
from services.console.pages.data.files import MEDIA_TYPES, require_mark, streamed
from services.console.pages.data.rows import TableRows, map_rows
from services.console.pages.data.sending import send_rows
from services.console.pages.data.summaries import summaries, task_path
from services.console.web.cards import card, cards
from services.console.web.paging import paging
from services.console.web.project_pages import acted, call, get, load_project, project_page
from services.console.web.visit import Form, Posted, Visit, Visited, project_path

router = APIRouter(include_in_schema=False)
for part in (gold_routes, job_routes, learning_routes, snapshot_routes):
    router.include_router(part.router)
_SUSPECTS = 20
_FORMATS = {
    "csv": "CSV",
    "jsonl": "JSON Lines",
    "parquet": "Parquet",
    "label-studio": "Label Studio",
}


@router.get("/projects/{name}/data")
async def show(visit: Visited, name: str, after: str | None = None) -> Response:
    """Show the data of a project, or the counts as they are now."""
    if visit.fragment == "pool":
        pool = await card(get(visit, "trainer", name, "pool"))
        return visit.page("data/_pool.html", pool=pool)
    return await _page(visit, name, after)


@router.post("/projects/{name}/data")
async def act(form: Posted, name: str) -> Response:
    """Ask people about items of the pool, or about a suspect again."""
    return await acted(form, name, "/data", _act, _page, "The size must be a number.")


async def _act(form: Form, name: str) -> str:
    if form.text("act") == "ask":
        body = {"strategy": form.text("strategy") or "random", "size": int(form.text("size"))}
        await call(form.visit, "trainer", "POST", name, "pool/batches", json=body)
        return "asked"
    await call(form.visit, "review_queue", "POST", name, f"{task_path(form)}/reopen")
    return "reopened"


@router.post("/projects/{name}/data/rows")
async def take_rows(visit: Visited, request: Request, name: str, table: TableRows) -> Any:
    """Take some rows of a file that the browser reads; answer what became of them."""
    require_mark(visit, request)
    project = await get(visit, "review_queue", name)
    return await send_rows(visit, name, map_rows(table, project["fields"]))


@router.get("/projects/{name}/data/export")
async def export(
    visit: Visited,
    name: str,
    format: Literal["jsonl", "csv", "parquet", "label-studio"] = "csv",  # noqa: A002
) -> Response:
    """Stream the review queue's export."""
    path, params = f"{project_path(name)}/export", {"format": format}
    file_name = f"{name}.{'json' if format == 'label-studio' else format}"
    return await streamed(visit, "review_queue", path, file_name, MEDIA_TYPES[format], params)


async def _page(visit: Visit, name: str, after: str | None = None, **shown: Any) -> Response:
    project = await load_project(visit, name)
    found = await cards(
        pool=get(visit, "trainer", name, "pool"),
        datasets=get(visit, "trainer", name, "datasets", limit=1),
        suspects=get(visit, "review_queue", name, "suspects", limit=_SUSPECTS, after=after),
    )
    newest, suspects = found["datasets"].listed("datasets")[:1], found["suspects"]
    doubted = (one["task_id"] for one in suspects.listed("suspects"))
    context: dict[str, Any] = {
        **found,
        "label_counts": newest[0]["labels"] if newest else {},
        "paging": paging(visit.request, suspects.cursor, "#suspects"),
        "texts": await summaries(visit, name, doubted),
        "formats": _FORMATS,
        "labelled": visit.request.query_params.get("labelled"),
        "part": "Pool",
        **shown,
    }
    return project_page(visit, project, "Data", "data/page.html", **context)
