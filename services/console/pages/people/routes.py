"""Reviewers: how well they do, who may come in, and who is paused."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.console.charts.agreement import agreement_chart
from services.console.charts.reviewers import gold_chart, label_mix_chart
from services.console.pages.people import view
from services.console.web.cards import cards, words_of
from services.console.web.paging import LIMIT, paging
from services.console.web.project_pages import call, load_project, project_page
from services.console.web.visit import Posted, Visit, Visited, page_path
from surehand import SurehandError

router = APIRouter(include_in_schema=False)
_LINKS = 20
_HOURS_A_DAY = 24


@router.get("/projects/{name}/people")
async def show(visit: Visited, name: str, after: str | None = None) -> Response:
    """Show the reviewers."""
    return await _page(visit, name, after=after)


@router.post("/projects/{name}/people")
async def act(form: Posted, name: str) -> Response:
    """Invite a person, pause a reviewer or let one go on, or say what one can do."""
    what, reviewer = form.text("act"), form.text("reviewer")
    who, invited = quote(reviewer, safe=""), None
    try:
        if what == "invite":
            hours, role = float(form.text("days") or 7) * _HOURS_A_DAY, form.text("role")
            wanted = {"subject": reviewer, "role": role or "reviewer", "hours": hours}
            if tags := view.tags_in(form.text("tags")):
                wanted["tags"] = tags
            made = await call(form.visit, "review_queue", "POST", name, "links", json=wanted)
            place = _address(form.visit, made)
            invited = {"subject": reviewer, "url": place, "expires_at": made["expires_at"]}
        elif what == "tags":
            tags, path = view.tags_in(form.text("tags")), f"reviewers/{who}/tags"
            await call(form.visit, "review_queue", "PUT", name, path, json={"tags": tags})
        elif what == "pause":
            body = {"reason": form.text("reason")}
            path = f"reviewers/{who}/pause"
            await call(form.visit, "review_queue", "POST", name, path, json=body)
        else:
            await call(form.visit, "review_queue", "POST", name, f"reviewers/{who}/resume")
    except (SurehandError, ValueError) as error:
        fault = words_of(error) if isinstance(error, SurehandError) else "Days must be a number."
        return await _page(form.visit, name, fault=fault, typed=dict(form.values), status=409)
    if invited:
        # Shown once, on the answer itself: the code is not kept anywhere.
        return await _page(form.visit, name, invited=invited)
    notice = {"pause": "paused", "tags": "tagged"}.get(what, "continued")
    return form.visit.to(f"{page_path(name)}/people", notice)


def _address(visit: Visit, made: dict[str, Any]) -> str:
    own = visit.site.address(visit.request) or ""
    return f"{own}/enter?code={quote(made['code'])}"


async def _page(
    visit: Visit,
    name: str,
    *,
    after: str | None = None,
    fault: str | None = None,
    typed: dict[str, str] | None = None,
    invited: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    project = await load_project(visit, name)
    found = await cards(
        reviewers=call(
            visit, "review_queue", "GET", name, "reviewers",
            params={"limit": LIMIT, "after": after},
        ),
        agreement=call(visit, "review_queue", "GET", name, "agreement"),
        queue=call(visit, "review_queue", "GET", name, "queue"),
        links=call(visit, "review_queue", "GET", name, "links", params={"limit": _LINKS}),
    )  # fmt: skip
    reviewers, agreement = found["reviewers"], found["agreement"]
    listed = reviewers.value["reviewers"] if reviewers else []
    context: dict[str, Any] = {
        **found,
        "rows": view.reviewer_rows(listed),
        "unmeasured": view.unmeasured(project, listed) if reviewers else None,
        "matched": view.matched(project, listed),
        "gold_chart": gold_chart(listed),
        "mix_chart": label_mix_chart(listed),
        "pair_chart": agreement_chart(agreement.value["pairs"]) if agreement else None,
        "invited": invited,
        "typed": typed or {},
        "paging": paging(visit.request, reviewers.value["cursor"] if reviewers else None),
        "fault": fault or project.get("away"),
    }
    return project_page(visit, project, "People", "people/page.html", status=status, **context)
