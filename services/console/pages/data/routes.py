"""Data: upload, the pool, label counts, suspects and export."""

from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.console.pages.data.rows import TableRows, map_rows
from services.console.pages.data.sending import send_rows
from services.console.web.cards import card, cards, words_of
from services.console.web.paging import paging
from services.console.web.project_pages import call, load_project, project_page
from services.console.web.security import guarded
from services.console.web.visit import (
    NotOurForm,
    Posted,
    Visit,
    Visited,
    page_path,
    project_path,
)
from surehand import SurehandError

router = APIRouter(include_in_schema=False)
_SUSPECTS = 20
_CSRF_HEADER = "Surehand-Form"
_TYPES = {
    "jsonl": ("application/x-ndjson", "jsonl"),
    "csv": ("text/csv", "csv"),
    "parquet": ("application/vnd.apache.parquet", "parquet"),
    "label-studio": ("application/json", "json"),
}


@router.get("/projects/{name}/data")
async def show(visit: Visited, name: str, after: str | None = None) -> Response:
    """Show the data of a project, or the counts as they are now."""
    if visit.fragment == "pool":
        pool = await card(call(visit, "trainer", "GET", name, "pool"))
        return visit.page("data/_pool.html", pool=pool)
    return await _page(visit, name, after=after)


@router.post("/projects/{name}/data")
async def act(form: Posted, name: str) -> Response:
    """Ask people about items of the pool, or about a suspect again."""
    try:
        if form.text("act") == "ask":
            body = {"strategy": form.text("strategy") or "random", "size": int(form.text("size"))}
            await call(form.visit, "trainer", "POST", name, "pool/batches", json=body)
            notice = "asked"
        else:
            path = f"tasks/{form.text('task')}/reopen"
            await call(form.visit, "review_queue", "POST", name, path)
            notice = "reopened"
    except ValueError:
        return await _page(form.visit, name, fault="The size must be a number.", status=422)
    except SurehandError as error:
        return await _page(form.visit, name, fault=words_of(error), status=409)
    return form.visit.to(f"{page_path(name)}/data", notice)


@router.post("/projects/{name}/data/rows")
async def take_rows(visit: Visited, request: Request, name: str, table: TableRows) -> Any:
    """Take some rows of a file that the browser reads; answer what became of them."""
    _require_own(visit, request)
    project = await call(visit, "review_queue", "GET", name)
    return await send_rows(visit, name, map_rows(table, project["fields"]))


@router.get("/projects/{name}/data/export")
async def export(
    visit: Visited,
    name: str,
    format: Literal["jsonl", "csv", "parquet", "label-studio"] = "csv",  # noqa: A002
) -> Response:
    """Stream the review queue's export."""
    media_type, suffix = _TYPES[format]
    chunks = _exported(visit, name, format)
    # The first of it, so that a refusal becomes a page.
    first = await anext(chunks, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    disposition = f'attachment; filename="{name}.{suffix}"'
    headers = {"Content-Disposition": disposition}
    return guarded(StreamingResponse(whole(), headers=headers, media_type=media_type))


async def _exported(visit: Visit, name: str, kind: str) -> AsyncIterator[bytes]:
    path = f"{project_path(name)}/export"
    async with visit.api.stream("review_queue", "GET", path, params={"format": kind}) as answer:
        async for chunk in answer.aiter_bytes():
            yield chunk


def _require_own(visit: Visit, request: Request) -> None:
    is_own = request.app.state.site.is_own(request)
    if not is_own or request.headers.get(_CSRF_HEADER) != visit.session.csrf:
        raise NotOurForm(is_foreign=True)


async def _page(
    visit: Visit,
    name: str,
    *,
    after: str | None = None,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    project = await load_project(visit, name)
    found = await cards(
        pool=call(visit, "trainer", "GET", name, "pool"),
        datasets=call(visit, "trainer", "GET", name, "datasets", params={"limit": 10}),
        suspects=call(
            visit, "review_queue", "GET", name, "suspects",
            params={"limit": _SUSPECTS, "after": after},
        ),
    )  # fmt: skip
    datasets, suspects = found["datasets"], found["suspects"]
    newest = datasets.value["datasets"][:1] if datasets else []
    cursor = suspects.value["cursor"] if suspects else None
    context: dict[str, Any] = {
        **found,
        "label_counts": _shares(newest[0]["labels"]) if newest else [],
        "paging": paging(visit.request, cursor, "#suspects"),
        "formats": list(_TYPES),
        "fault": fault or project.get("away"),
    }
    return project_page(visit, project, "Data", "data/page.html", status=status, **context)


def _shares(labels: dict[str, int]) -> list[tuple[str, int, float]]:
    total = sum(labels.values()) or 1
    ranked = sorted(labels.items(), key=lambda one: -one[1])
    return [(label, number, number / total) for label, number in ranked]
