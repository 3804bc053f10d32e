"""The first project: upload, labels, promise, invitation."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from services.console.pages.first_project import view
from services.console.web.cards import words_of
from services.console.web.security import guarded
from services.console.web.visit import Form, Posted, Visit, Visited, page_path, project_path
from surehand import NotFound, SurehandError

router = APIRouter(include_in_schema=False)
_BY_SCRIPT = "application/json"
_REFUSED = 422
_RESERVED = "new"


@router.get("/projects/new")
async def show(visit: Visited) -> Response:
    """Show the questions."""
    return _page(visit, {})


@router.post("/projects/new")
async def create(form: Posted) -> Response:
    """Create the project; a script that uploads the file afterwards gets JSON."""
    name = form.text("name")
    try:
        project = view.project_of(dict(form.values))
        await _require_free(form, name)
        await form.visit.api.call("review_queue", "PUT", project_path(name), json=project)
    except SurehandError as error:
        return _refused(form, words_of(error))
    except ValueError as error:
        return _refused(form, str(error))
    if _is_by_script(form):
        return guarded(JSONResponse({"project": name}))
    return form.visit.to(f"{page_path(name)}/data", "created")


async def _require_free(form: Form, name: str) -> None:
    """Raise `ValueError` where there is a project of the name: PUT would replace it."""
    if name == _RESERVED:
        raise ValueError(f"{name} is the address of this page: choose another name.")
    try:
        await form.visit.api.call("review_queue", "GET", project_path(name))
    except NotFound:
        return
    raise ValueError(f"There is a project {name} already: choose another name.")


def _refused(form: Form, fault: str) -> Response:
    if _is_by_script(form):
        return guarded(JSONResponse({"fault": fault}, _REFUSED))
    return _page(form.visit, dict(form.values), fault=fault, status=_REFUSED)


def _is_by_script(form: Form) -> bool:
    return form.visit.request.headers.get("accept") == _BY_SCRIPT


def _page(
    visit: Visit, typed: dict[str, str], *, fault: str | None = None, status: int = 200
) -> Response:
    return visit.page(
        "first_project/page.html", status=status, typed=typed, fault=fault, prices=view.prices()
    )
