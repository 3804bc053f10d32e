"""Snapshots: the labels that versions were trained on, to download and to compare."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.console.pages.data.files import streamed
from services.console.web.cards import Card, card
from services.console.web.paging import paging
from services.console.web.project_pages import get, load_project, project_page
from services.console.web.visit import Visited, project_path

router = APIRouter(include_in_schema=False)
_SHOWN = 20


@router.get("/projects/{name}/data/snapshots")
async def show(
    visit: Visited, name: str, after: str | None = None, of: str = "", against: str = ""
) -> Response:
    """List the snapshots, newest first, or compare two of them."""
    project = await load_project(visit, name)
    found = await card(get(visit, "trainer", name, "datasets", limit=_SHOWN, after=after))
    difference: Card | None = None
    if of and against:
        path = f"datasets/{quote(of, safe='')}/diff"
        difference = await card(get(visit, "trainer", name, path, against=against))
    rows = found.listed("datasets")
    context: dict[str, Any] = {
        "datasets": found,
        "rows": list(zip(rows, [*rows[1:], None], strict=False)),
        "difference": difference,
        "paging": paging(visit.request, found.cursor),
        "part": "Snapshots",
    }
    return project_page(visit, project, "Data", "data/snapshots.html", **context)


@router.get("/projects/{name}/data/snapshots/{dataset_id}/download")
async def download(visit: Visited, name: str, dataset_id: str) -> Response:
    """Stream a snapshot's lines."""
    path = f"{project_path(name)}/datasets/{quote(dataset_id, safe='')}/download"
    file_name = f"{name}-{dataset_id[:12]}.jsonl.gz"
    return await streamed(visit, "trainer", path, file_name, "application/gzip")
