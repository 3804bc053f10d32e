"""Webhooks of a project: add, change, remove, test, and what was delivered."""

from typing import Any, get_args
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.console.web.cards import cards, words_of
from services.console.web.paging import LIMIT, paging
from services.console.web.project_pages import call, get, load_project, project_page
from services.console.web.rendering import query
from services.console.web.visit import Form, Posted, Visit, Visited, page_path
from shared.contracts.projects import WebhookEvent
from surehand import Conflict, SurehandError

router = APIRouter(include_in_schema=False)
STATES = ("waiting", "delivered", "failed")
_NOTICES = {
    "test": "tested",
    "enable": "enabled",
    "add": "webhook-added",
    "change": "saved",
    "remove": "webhook-removed",
    "retry": "retried",
}


@router.get("/projects/{name}/settings/webhooks")
async def show(
    visit: Visited, name: str, state: str = "", webhook: str = "", after: str | None = None
) -> Response:
    """Show the webhooks, and the deliveries that the filters hold for."""
    return await _page(visit, name, state, webhook, after)


@router.post("/projects/{name}/settings/webhooks")
async def act(form: Posted, name: str) -> Response:
    """Change the project's webhooks, try one, or send an event again."""
    what = form.text("act")
    try:
        if what in {"add", "change", "remove"}:
            await _edit(form, name, what)
        elif what == "retry":
            path = f"webhooks/deliveries/{quote(form.text('delivery'), safe='')}/retry"
            await call(form.visit, "review_queue", "POST", name, path)
        elif what in {"test", "enable"}:
            path = f"webhooks/{quote(form.text('webhook'), safe='')}/{what}"
            told = await call(form.visit, "review_queue", "POST", name, path)
            if what == "test" and not told["delivered"]:
                fault = f"The test did not arrive: {told['error'] or told['status']}."
                return await _page(form.visit, name, fault=fault)
    except Conflict as error:
        if what in {"add", "change", "remove"}:
            fault = "Another person has saved the project meanwhile: look at it, and do it again."
        else:
            fault = words_of(error)
        return await _page(form.visit, name, fault=fault, typed=form, status=409)
    except SurehandError as error:
        return await _page(form.visit, name, fault=words_of(error), typed=form, status=422)
    kept = query(state=form.text("state"))
    return form.visit.to(f"{page_path(name)}/settings/webhooks{kept}", _NOTICES.get(what))


async def _edit(form: Form, name: str, what: str) -> None:
    """Send all webhooks with the one change, of the revision that the person has seen."""
    project = await get(form.visit, "review_queue", name)
    hooks = [one for one in project["webhooks"] if one["url"] != form.text("was")]
    if what != "remove":
        events = form.all("events")
        hook = {
            "url": form.text("url"),
            "secret_ref": form.text("secret_ref"),
            "events": events or None,
        }
        place = [one["url"] for one in project["webhooks"]]
        at = place.index(form.text("was")) if form.text("was") in place else len(hooks)
        hooks.insert(at, hook)
    headers = {"If-Match": f'"{form.text("revision")}"'}
    await call(form.visit, "review_queue", "PATCH", name, json={"webhooks": hooks}, headers=headers)


async def _page(
    visit: Visit,
    name: str,
    state: str = "",
    webhook: str = "",
    after: str | None = None,
    **shown: Any,
) -> Response:
    project = await load_project(visit, name)
    params = {"limit": LIMIT, "after": after, "state": state or None, "webhook_id": webhook or None}
    found = await cards(
        hooks=get(visit, "review_queue", name, "webhooks"),
        deliveries=get(visit, "review_queue", name, "webhooks/deliveries", **params),
    )
    context: dict[str, Any] = {
        **found,
        "events": get_args(WebhookEvent),
        "states": STATES,
        "state": state,
        "webhook": webhook,
        "typed": None,
        "paging": paging(visit.request, found["deliveries"].cursor, "#deliveries"),
        **shown,
    }
    return project_page(visit, project, "Settings", "configuration/webhooks.html", **context)
