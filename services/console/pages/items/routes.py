"""One item: why it went to a person, and all that happened to it."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.console.pages.data.summaries import one_line
from services.console.pages.items import view
from services.console.web.cards import Card, card, cards
from services.console.web.project_pages import acted, call, get, load_project, project_page
from services.console.web.rendering import query
from services.console.web.visit import Form, Posted, Visit, Visited
from shared.contracts.base import task_id_for
from shared.contracts.tasks import EVIDENCE_LANES

router = APIRouter(include_in_schema=False)
_DECISIONS = 10
_NOT_FOUND = 404
_UNDER_WAY = {"open", "leased"}


@router.get("/projects/{name}/items")
async def show(visit: Visited, name: str, item_id: str = "") -> Response:
    """Show the item, or where to search for one, or the part that is asked for."""
    part = {"work": _work, "similar": _similar}.get(visit.fragment or "", _page)
    return await part(visit, name, item_id.strip())


@router.post("/projects/{name}/items")
async def act(form: Posted, name: str) -> Response:
    """Reopen the item's task, or give its label as an adjudicator."""
    item_id, comment = form.text("item_id"), form.text("comment")
    view = f"/items{query(item_id=item_id)}"
    return await acted(form, name, view, _act, _page, item_id=item_id, comment=comment)


async def _act(form: Form, name: str) -> str:
    task = f"tasks/{task_id_for(name, form.text('item_id'))}"
    if form.text("act") == "reopen":
        await call(form.visit, "review_queue", "POST", name, f"{task}/reopen")
        return "reopened"
    body = {"label": form.text("label"), "comment": form.text("comment") or None}
    await call(form.visit, "review_queue", "POST", name, f"{task}/adjudicate", json=body)
    return "adjudicated"


async def _similar(visit: Visit, name: str, item_id: str) -> Response:
    path = f"items/{quote(item_id, safe='')}/similar"
    found = await card(get(visit, "trainer", name, path))
    rows = [(one, one_line(one["data"])) for one in found.listed("items")]
    project = {"project": name}
    return visit.page("items/_similar.html", similar=found, rows=rows, project=project)


async def _page(visit: Visit, name: str, item_id: str, **refusal: Any) -> Response:
    project = await load_project(visit, name)
    context: dict[str, Any] = {"item_id": item_id, "comment": "", "found": False, **refusal}
    if item_id:
        found = await cards(
            task=get(visit, "review_queue", name, f"tasks/{task_id_for(name, item_id)}"),
            decisions=get(visit, "trainer", name, "decisions", item_id=item_id, limit=_DECISIONS),
            lineage=get(visit, "trainer", name, f"lineage/items/{quote(item_id, safe='')}"),
        )
        context |= _item(project, found["task"], found["decisions"])
        task = found["task"].value if found["task"] else {}
        context["may_compare"] = not is_blind_work(task)
        newest = context["rests_on"] = next(iter(found["lineage"].listed("answers")), None)
        if newest is not None and not context["found"]:
            # Labelled by a job alone: neither router nor people know of it.
            fields = view.fields(newest["decision"].get("data") or {}, project.get("fields", {}))
            context |= {"found": True, "fields": fields}
    return project_page(visit, project, "Items", "items/page.html", **context)


def is_blind_work(task: dict[str, Any]) -> bool:
    """Say whether people are to answer a task without the labels of others in sight."""
    return task.get("lane") in EVIDENCE_LANES and task.get("state") in _UNDER_WAY


async def _work(visit: Visit, name: str, item_id: str) -> Response:
    """Show what people said of the item, with what an operator may do about it."""
    project = await load_project(visit, name)
    path = f"tasks/{task_id_for(name, item_id)}"
    task = await card(get(visit, "review_queue", name, path))
    context: dict[str, Any] = {"task": task, "kinds": view.KINDS, "comment": ""}
    return visit.page("items/_part.html", project=project, item_id=item_id, **context)


def _item(project: dict[str, Any], task: Card, decisions: Card) -> dict[str, Any]:
    rows = decisions.listed("decisions")
    data = task.value["data"] if task else rows[0]["data"] if rows else {}
    away = [one.fault for one in (task, decisions) if one.is_away]
    return {
        "found": bool(task) or bool(rows),
        "away": away,
        "task": task if task or task.status != _NOT_FOUND else None,
        "kinds": view.KINDS,
        "fields": view.fields(data or {}, project.get("fields", {})),
        "decisions_fault": decisions.fault,
        "decisions": [(row, view.decision_facts(row)) for row in rows],
    }
