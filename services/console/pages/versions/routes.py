"""Versions side by side, training runs, and which version answers."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.console.charts.confusion import confusion_chart
from services.console.charts.slice_changes import slice_changes_chart
from services.console.pages.versions import view
from services.console.web.cards import card, cards
from services.console.web.paging import paging
from services.console.web.project_pages import acted, call, get, load_project, project_page
from services.console.web.visit import Form, Posted, Visit, Visited

router = APIRouter(include_in_schema=False)
_VERSIONS, _RUNS, _EVENTS, _STAGES = 20, 10, 20, 5
# What the trainer calls a part that shows a version, and the part's chart.
_PARTS = {
    "confusion": ("confusion", confusion_chart),
    "changes": ("slices", slice_changes_chart),
}


@router.get("/projects/{name}/versions")
async def show(visit: Visited, name: str, after: str | None = None, version: str = "") -> Response:
    """Show the versions, or the runs as they are now, or which labels a version confuses."""
    if visit.fragment in _PARTS:
        part, chart_of = _PARTS[visit.fragment]
        found = await card(
            get(visit, "trainer", name, f"versions/{quote(version, safe='')}/{part}")
        )
        chart = chart_of(found.value) if found else None
        return visit.page("versions/_chart.html", found=found, chart=chart)
    if visit.fragment == "runs":
        return visit.page("versions/_runs.html", runs=await card(_runs(visit, name)))
    return await _page(visit, name, after)


@router.post("/projects/{name}/versions")
async def act(form: Posted, name: str) -> Response:
    """Promote, approve, shadow, retire, roll back, share traffic, train, or cancel a run."""
    invalid = "The share must be a number between 0 and 100 percent."
    return await acted(form, name, "/versions", _act, _page, invalid)


async def _act(form: Form, name: str) -> str:
    what, version = form.text("act"), quote(form.text("version"), safe="")
    path, body, notice = {
        "promote": (f"versions/{version}/promote", None, "promoted"),
        "approve": (f"versions/{version}/approve", _note(form), "approved"),
        "reject": (f"versions/{version}/reject", _note(form), "rejected"),
        "shadow": (f"versions/{version}/shadow", None, "shadowed"),
        "retire": (f"versions/{version}/retire", None, "retired"),
        "rollback": ("rollback", None, "rolled-back"),
        "train": ("runs", _run(form), "trained"),
        "cancel": (f"runs/{quote(form.text('run'), safe='')}/cancel", None, "saved"),
        "canary": ("canary", _challenger(form), "canary"),
    }[what]
    await call(form.visit, "trainer", "POST", name, path, json=body)
    return notice


def _run(form: Form) -> dict[str, Any]:
    return {"mode": form.text("mode") or None, "recipe": form.text("recipe") or None}


def _note(form: Form) -> dict[str, Any]:
    return {"note": form.text("note") or None}


def _challenger(form: Form) -> dict[str, Any]:
    if form.text("act") != "canary":
        return {}
    share = float(form.text("share").replace(",", ".")) / 100
    return {"version": form.text("version") or None, "share": share}


async def _page(visit: Visit, name: str, after: str | None = None, **refusal: Any) -> Response:
    project = await load_project(visit, name)
    found = await cards(
        versions=get(visit, "trainer", name, "versions", limit=_VERSIONS, after=after),
        runs=_runs(visit, name),
        promotions=get(visit, "trainer", name, "promotions", limit=_EVENTS),
        stages=get(visit, "trainer", name, "shadow-stages", limit=_STAGES),
    )
    context: dict[str, Any] = {
        **found,
        "rows": view.version_rows(found["versions"].listed("versions")),
        "metrics": view.METRICS,
        "events": view.event_rows(found["promotions"].listed("events")),
        "stage_states": view.STAGE_STATES,
        "paging": paging(visit.request, found["versions"].cursor),
        "part": "Versions",
        **refusal,
    }
    return project_page(visit, project, "Versions", "versions/page.html", **context)


def _runs(visit: Visit, name: str) -> Any:
    return get(visit, "trainer", name, "runs", limit=_RUNS)
