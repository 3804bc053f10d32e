"""What waits for people, and the tasks one by one."""

import asyncio
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from services.console.charts.flow import ages_chart, flow_chart
from services.console.pages.queue import bulk, view
from services.console.web.cards import card, cards
from services.console.web.paging import LIMIT, paging
from services.console.web.project_pages import get, load_project, project_page
from services.console.web.visit import Posted, Visit, Visited

router = APIRouter(include_in_schema=False)
_FILTERS = ("state", "lane", "label", "reviewer", "q", "order")


@router.get("/projects/{name}/queue")
async def show(visit: Visited, name: str, after: str | None = None) -> Response:
    """Show the queue, or the part of the page that is asked for."""
    if visit.fragment == "now":
        return visit.page("queue/_now.html", **await _now(visit, name))
    if visit.fragment == "flow":
        return visit.page("queue/_flow.html", **await _flow(visit, name))
    return await _page(visit, name, after)


@router.post("/projects/{name}/queue")
async def act(form: Posted, name: str) -> Response:
    """Give one label to the selected tasks, or take that back by asking people again."""
    chosen, label = form.all("task"), form.text("label")
    if form.text("act") == "reopen":
        changed = await bulk.reopen(form.visit, name, chosen)
    elif not chosen or not label:
        return await _page(form.visit, name, fault="Select tasks and a label.", status=422)
    else:
        changed = await bulk.give_label(form.visit, name, chosen, label)
    return await _page(form.visit, name, changed=changed)


async def _page(visit: Visit, name: str, after: str | None = None, **shown: Any) -> Response:
    project = await load_project(visit, name)
    asked = visit.request.query_params
    given = {key: asked.get(key) or None for key in _FILTERS}
    disputed = asked.get("adjudication") == "true" or None
    if "state" not in asked:
        given["state"] = "open"
    params = {**given, "adjudication": disputed, "limit": LIMIT, "after": after}
    tasks = await card(get(visit, "review_queue", name, "tasks", **params))
    context: dict[str, Any] = {
        "tasks": tasks,
        "filters": given,
        "disputed": disputed,
        "states": view.STATES,
        "labels": project.get("labels", []),
        "paging": paging(visit.request, tasks.cursor),
        "bulk_lanes": bulk.LANES if visit.session.is_operator else frozenset(),
        "changed": None,
        **shown,
    }
    now, flow = await asyncio.gather(_now(visit, name), _flow(visit, name))
    return project_page(visit, project, "Queue", "queue/page.html", **context, **now, **flow)


async def _now(visit: Visit, name: str) -> dict[str, Any]:
    found = await cards(
        forecast=get(visit, "review_queue", name, "queue"),
        capacity=get(visit, "review_queue", name, "capacity"),
    )
    return {**found, "lane_names": view.LANES}


async def _flow(visit: Visit, name: str) -> dict[str, Any]:
    asked = visit.request.query_params.get("span", "")
    span = asked if asked in view.SPANS else next(iter(view.SPANS))
    words, steps, step_seconds = view.SPANS[span]
    begin = visit.now - timedelta(
        seconds=(steps - 1) * step_seconds + visit.now.timestamp() % step_seconds
    )
    found = await cards(
        series=get(
            visit, "review_queue", name, "queue/series", since=begin, step_seconds=step_seconds
        ),
        ages=get(visit, "review_queue", name, "queue/ages"),
    )
    series, ages = found["series"], found["ages"]
    return {
        "span": span,
        "spans": {key: short for key, (short, _, _) in view.SPANS.items()},
        "flow": flow_chart(series.value, words) if series else None,
        "ages": ages_chart(ages.value) if ages else None,
        "flow_fault": series.fault or ages.fault,
    }
