"""Gold: items whose label is known, and how reviewers fare on them."""

from typing import Any

from fastapi import APIRouter, Response

from services.console.pages.data.summaries import summaries, task_path
from services.console.web.cards import card
from services.console.web.paging import paging
from services.console.web.project_pages import acted, call, get, load_project, project_page
from services.console.web.visit import Form, Posted, Visit, Visited
from shared.contracts.base import task_id_for
from surehand import SurehandError

router = APIRouter(include_in_schema=False)
_SHOWN = 20


@router.get("/projects/{name}/data/gold")
async def show(visit: Visited, name: str, after: str | None = None) -> Response:
    """List the gold."""
    return await _page(visit, name, after)


@router.post("/projects/{name}/data/gold")
async def act(form: Posted, name: str) -> Response:
    """Make a resolved task gold, or gold an ordinary task again."""
    return await acted(form, name, "/data/gold", _act, _page, typed=dict(form.values))


async def _act(form: Form, name: str) -> str:
    if form.text("act") == "add":
        await _vouch(form, name)
        return "gold-added"
    await call(form.visit, "review_queue", "DELETE", name, f"{task_path(form)}/gold")
    return "gold-removed"


async def _vouch(form: Form, name: str) -> None:
    """Vouch for the label that the item's task was resolved with."""
    path = f"tasks/{task_id_for(name, form.text('item_id'))}"
    task = await get(form.visit, "review_queue", name, path)
    if task["label"] is None:
        raise SurehandError("The item has no label yet: only a resolved task can become gold.")
    body = {"label": task["label"], "explanation": form.text("explanation") or None}
    await call(form.visit, "review_queue", "PUT", name, f"{path}/gold", json=body)


async def _page(visit: Visit, name: str, after: str | None = None, **shown: Any) -> Response:
    project = await load_project(visit, name)
    gold = await card(get(visit, "review_queue", name, "gold", limit=_SHOWN, after=after))
    rows = gold.listed("gold")
    context: dict[str, Any] = {
        "gold": gold,
        "rows": rows,
        "texts": await summaries(visit, name, (one["task_id"] for one in rows)),
        "typed": {},
        "paging": paging(visit.request, gold.cursor),
        "part": "Gold",
        **shown,
    }
    return project_page(visit, project, "Data", "data/gold.html", **context)
