"""The page of the promise, and what an operator may do about it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from services.console.charts.states import states_chart
from services.console.pages.promise import view
from services.console.web.cards import Card, card, cards
from services.console.web.project_pages import acted, call, get, load_project, project_page
from services.console.web.promise_light import promise_light
from services.console.web.visit import Form, Posted, Visit, Visited

router = APIRouter(include_in_schema=False)
_DAYS = 30
_HISTORY = 1_000
_SHOWN = 20


@router.get("/projects/{name}")
async def show(
    visit: Visited,
    name: str,
    target: Annotated[float | None, Query(ge=0.5, lt=1)] = None,
) -> Response:
    """Show the promise, or the part of the page that is asked for."""
    if visit.fragment == "now":
        return visit.page("promise/_now.html", **await _now(visit, name))
    if visit.fragment == "what-if":
        return visit.page("promise/_what_if.html", **await _what_if(visit, name, target))
    return await _page(visit, name, target)


@router.post("/projects/{name}/promise")
async def act(form: Posted, name: str) -> Response:
    """Suspend the promise, lift an operator's suspension, or ask for a certification."""
    return await acted(form, name, "", _act, _page, cause=form.text("cause"))


async def _act(form: Form, name: str) -> str:
    what = form.text("act")
    path = what if what in {"suspend", "resume"} else "certify"
    body = {"cause": form.text("cause")} if path == "suspend" else {"version": None}
    await call(form.visit, "trainer", "POST", name, path, json=body)
    return {"suspend": "suspended", "resume": "resumed", "certify": "certify"}[path]


async def _page(visit: Visit, name: str, target: float | None = None, **shown: Any) -> Response:
    project = await load_project(visit, name)
    now, what_if = await _now(visit, name), await _what_if(visit, name, target)
    promise = now["promise"]
    # Of other versions' confidences the threshold says nothing.
    scored_by = promise.value["version"] if promise else None
    days, of_version = {"days": _DAYS}, {"days": _DAYS, "version": scored_by}
    found = await cards(
        reliability=get(visit, "trainer", name, "reliability"),
        audits=get(visit, "trainer", name, "audit/days", **days),
        decisions=get(visit, "trainer", name, "decisions/days", **days),
        scored=get(visit, "trainer", name, "decisions/days", **of_version),
        history=get(visit, "trainer", name, "promise/history", limit=_HISTORY),
    )
    history: Card = found.pop("history")
    changes = history.listed("changes")
    context: dict[str, Any] = {
        "charts": view.charts(promise.value, **found) if promise else None,
        "states": states_chart(changes, visit.now),
        "history": history,
        "changes": changes[: -_SHOWN - 1 : -1],
        "older": changes[: max(0, len(changes) - _SHOWN)][::-1],
        "cause": "",
        **shown,
    }
    template = "promise/page.html"
    return project_page(visit, project, "Promise", template, **now, **what_if, **context)


async def _now(visit: Visit, name: str) -> dict[str, Any]:
    found = await cards(
        promise=get(visit, "trainer", name, "promise"),
        queue=get(visit, "review_queue", name, "queue"),
    )
    promise, queue = found["promise"], found["queue"]
    shown: dict[str, Any] = {"promise": promise, "queue": queue, "project_name": name}
    if promise:
        shown["light"] = promise_light(promise.value)
    return shown


async def _what_if(visit: Visit, name: str, target: float | None) -> dict[str, Any]:
    found = await card(get(visit, "trainer", name, "what-if", target_accuracy=target))
    facts = view.what_if_facts(found.value) if found else []
    return {"what_if": found, "facts": facts}
