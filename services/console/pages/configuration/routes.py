"""The page of a project's settings."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from services.console.pages.configuration import label_displays, webhook_routes
from services.console.pages.configuration.changes import (
    SettingsError,
    differences,
    faults_at,
    patch_of,
)
from services.console.pages.configuration.fields import SECTIONS, SETTINGS
from services.console.pages.configuration.preview import preview
from services.console.web.cards import words_of
from services.console.web.project_pages import Project, call, get, load_project, project_page
from services.console.web.visit import Form, Posted, Visit, Visited, page_path
from services.console.web.words import lines_of
from surehand import Conflict, InvalidRequest, SurehandError

router = APIRouter(include_in_schema=False)
router.include_router(webhook_routes.router)
_BEFORE = "before."


@router.get("/projects/{name}/settings")
async def show(visit: Visited, name: str) -> Response:
    """Show the settings as they are."""
    project = await load_project(visit, name)
    values = {setting.name: setting.shown(project) for setting in SETTINGS}
    return await _page(visit, project, values, values)


@router.post("/projects/{name}/settings")
async def change(form: Posted, name: str) -> Response:
    """Say what a change would do, or make it.

    A change is made of the revision alone that the person has seen the effect on.
    """
    project = await load_project(form.visit, name)
    before = {
        key.removeprefix(_BEFORE): value
        for key, value in form.values.items()
        if key.startswith(_BEFORE)
    }
    values = _values(form)
    shown: dict[str, Any] = {"wording_only": form.text("wording_only") == "on"}
    try:
        patch = patch_of(before, values)
        if shown["wording_only"] and "instructions" in patch:
            patch["wording_only"] = True
        if not patch:
            return form.visit.to(f"{page_path(name)}/settings")
        if form.text("act") == "save":
            await _patch(form, name, patch, {})
            return form.visit.to(f"{page_path(name)}/settings", "saved")
        shown["effect"] = await _patch(form, name, patch, {"dry_run": "true"})
    except Conflict as error:
        if getattr(error, "revision", None) == project.get("revision"):
            shown |= {"contested": differences(before, project, values), "status": 409}
        else:
            shown |= {"fault": words_of(error), "status": 409}
    except (SettingsError, SurehandError) as error:
        shown |= _refused(error)
    return await _page(form.visit, project, before, values, **shown)


@router.post("/projects/{name}/settings/preview")
async def look(form: Posted, name: str) -> Response:
    """Show what reviewers would see by the settings in the form."""
    project = await get(form.visit, "review_queue", name)
    values = _values(form)
    desk = await preview(
        form.visit, project, {one.name: values.get(one.name, "") for one in SETTINGS}
    )
    return form.visit.page("configuration/_preview.html", desk=desk)


def _values(form: Form) -> dict[str, str]:
    """Return the settings as the form has them; the display of labels is one of them."""
    shown = label_displays.posted(form.lists)
    before = form.values.get(f"{_BEFORE}label_display", "")
    return {**form.values, "label_display": before if shown is None else shown}


def _refused(error: SettingsError | SurehandError) -> dict[str, Any]:
    """Return what the page says of settings that do not hold, each at its field."""
    faults = error.faults if isinstance(error, SettingsError) else {}
    if isinstance(error, InvalidRequest):
        faults = faults_at(error.errors)
    if faults:
        return {"fault": f"{SettingsError(faults)}.", "faults": faults, "status": 422}
    words = words_of(error) if isinstance(error, SurehandError) else str(error)
    return {"fault": words, "status": 422}


async def _patch(form: Form, name: str, patch: dict[str, Any], params: dict[str, str]) -> Any:
    headers = {"If-Match": f'"{form.text("revision")}"'}
    return await call(
        form.visit, "review_queue", "PATCH", name, json=patch, params=params, headers=headers
    )


async def _page(
    visit: Visit,
    project: Project,
    before: Mapping[str, str],
    values: Mapping[str, str],
    **shown: Any,
) -> Response:
    given = {setting.name: values.get(setting.name, "") for setting in SETTINGS}
    is_known = "revision" in project
    context: dict[str, Any] = {
        "sections": SECTIONS.items(),
        "before": before,
        "values": given,
        "displays": label_displays.rows(lines_of(given["labels"]), given["label_display"]),
        "desk": await preview(visit, project, given) if is_known else None,
        "effect": None,
        "faults": {},
        "contested": None,
        "wording_only": False,
        **shown,
    }
    return project_page(visit, project, "Settings", "configuration/page.html", **context)
