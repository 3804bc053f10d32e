"""Reviewers: how well they do, who may come in, and who is paused."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.console.charts.agreement import agreement_chart
from services.console.charts.reviewers import gold_chart, label_mix_chart
from services.console.pages.people import view
from services.console.web.cards import cards, words_of
from services.console.web.paging import LIMIT, paging
from services.console.web.project_pages import call, get, load_project, project_page
from services.console.web.visit import Form, Posted, Visit, Visited, page_path
from surehand import SurehandError

router = APIRouter(include_in_schema=False)
_LINKS = 20
_HOURS_A_DAY = 24


@router.get("/projects/{name}/people")
async def show(
    visit: Visited, name: str, after: str | None = None, links_after: str | None = None
) -> Response:
    """Show the reviewers."""
    return await _page(visit, name, after, links_after)


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
        else:
            await _change(form, name, what, who)
    except (SurehandError, ValueError) as error:
        fault = words_of(error) if isinstance(error, SurehandError) else "Days must be a number."
        return await _page(form.visit, name, fault=fault, typed=dict(form.values), status=409)
    if invited:
        # Shown once, on the answer itself: the code is not kept anywhere.
        return await _page(form.visit, name, invited=invited)
    notice = {"pause": "paused", "tags": "tagged", "revoke": "revoked"}.get(what, "continued")
    return form.visit.to(f"{page_path(name)}/people", notice)


async def _change(form: Form, name: str, what: str, who: str) -> None:
    """Revoke a person's links, say what a reviewer can do, pause one or let one go on."""
    method, path = "POST", f"reviewers/{who}/resume"
    body: dict[str, Any] | None = None
    if what == "revoke":
        path, body = "links/revoke", {"subject": form.text("reviewer")}
    elif what == "tags":
        tags = view.tags_in(form.text("tags"))
        method, path, body = "PUT", f"reviewers/{who}/tags", {"tags": tags}
    elif what == "pause":
        path, body = f"reviewers/{who}/pause", {"reason": form.text("reason")}
    options: dict[str, Any] = {} if body is None else {"json": body}
    await call(form.visit, "review_queue", method, name, path, **options)


def _address(visit: Visit, made: dict[str, Any]) -> str:
    own = visit.site.address(visit.request) or ""
    return f"{own}/enter?code={quote(made['code'])}"


async def _page(
    visit: Visit, name: str, after: str | None = None, links_after: str | None = None, **shown: Any
) -> Response:
    project = await load_project(visit, name)
    found = await cards(
        reviewers=get(visit, "review_queue", name, "reviewers", limit=LIMIT, after=after),
        agreement=get(visit, "review_queue", name, "agreement"),
        links=get(visit, "review_queue", name, "links", limit=_LINKS, after=links_after),
        queue=get(visit, "review_queue", name, "queue"),
    )
    reviewers, agreement = found["reviewers"], found["agreement"]
    listed = reviewers.listed("reviewers")
    context: dict[str, Any] = {
        **found,
        "rows": listed,
        "unmeasured": view.unmeasured(project, listed) if reviewers else None,
        "matched": view.matched(project, listed),
        "gold_chart": gold_chart(listed),
        "mix_chart": label_mix_chart(listed),
        "pair_chart": agreement_chart(agreement.value["pairs"]) if agreement else None,
        "invited": None,
        "typed": {},
        "links_paging": paging(visit.request, found["links"].cursor, "#links", key="links_after"),
        "paging": paging(visit.request, reviewers.cursor),
        **shown,
    }
    return project_page(visit, project, "People", "people/page.html", **context)
