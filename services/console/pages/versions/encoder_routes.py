"""The project's own encoder: the one at hand, an upload, its removal, and what learns on it."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from services.console.pages.data.files import handed_on
from services.console.web.cards import card
from services.console.web.project_pages import Project, acted, call, get, load_project, project_page
from services.console.web.visit import Form, Posted, Visit, Visited, page_path
from surehand import InvalidRequest

router = APIRouter(include_in_schema=False)
UPLOAD_PATH = r"/projects/[^/]+/versions/encoder/file"
_NOT_FOUND = 404

# The digest of the encoder that the page has shown; empty where it has shown that there is none.
Seen = Annotated[str, Query(pattern="^([0-9a-f]{64})?$")]


@router.get("/projects/{name}/versions/encoder")
async def show(visit: Visited, name: str) -> Response:
    """Show the current encoder, and the form of an upload."""
    return await _page(visit, name)


@router.post("/projects/{name}/versions/encoder")
async def remove(form: Posted, name: str) -> Response:
    """Remove the encoder that the page has shown."""
    return await acted(form, name, "/versions/encoder", _remove, _page)


async def _remove(form: Form, name: str) -> str:
    headers = _terms(form.text("seen"))
    await call(form.visit, "trainer", "DELETE", name, "encoder", headers=headers)
    return "encoder-removed"


@router.put("/projects/{name}/versions/encoder/file")
async def upload(visit: Visited, request: Request, name: str, seen: Seen = "") -> Response:
    """Hand a file and its description on to the trainer as the browser sends them."""
    headers = _terms(seen)
    if (media_type := request.headers.get("content-type")) is not None:
        headers["Content-Type"] = media_type
    try:
        await handed_on(visit, request, "PUT", name, "encoder", headers)
    except InvalidRequest as error:
        return JSONResponse({"faults": [_placed(one) for one in error.errors]}, 422)
    return JSONResponse({"next": f"{page_path(name)}/versions/encoder?notice=encoder-kept"})


def _terms(seen: str) -> dict[str, str]:
    return {"If-Match": f'"{seen}"'} if seen else {"If-None-Match": "*"}


def _placed(error: dict[str, str]) -> dict[str, str]:
    """Return a fault with the field of the form that it is about."""
    pointer, detail = error.get("pointer", ""), error.get("detail", "")
    _, part, *rest = [*pointer.split("/"), ""]
    if part != "manifest":
        return {"at": "file", "words": f"The file: {detail}"}
    place = "/".join(rest).strip("/")
    return {"at": "manifest", "words": f"{place}: {detail}" if place else detail}


async def _page(visit: Visit, name: str, **refusal: Any) -> Response:
    project = await load_project(visit, name)
    encoder = await card(get(visit, "trainer", name, "encoder"))
    found = encoder.value if encoder else None
    context: dict[str, Any] = {
        "encoder": found,
        "away": None if encoder or encoder.status == _NOT_FOUND else encoder.fault,
        "manifest": _manifest(project, found),
        "recipe": project.get("training", {}).get("recipe"),
        "part": "Encoder",
        **refusal,
    }
    return project_page(visit, project, "Versions", "versions/encoder.html", **context)


_DRAFTS: dict[str, tuple[str, list[int]]] = {
    "text": ("string", [1]),
    "image": ("float", [3, 224, 224]),
    "number": ("float", [1]),
    "category": ("string", [1]),
}


def _manifest(project: Project, encoder: dict[str, Any] | None) -> str:
    """Return the description of the current encoder, or one to begin with, as JSON."""
    if encoder is not None:
        told = {key: encoder[key] for key in ("inputs", "outputs")}
    else:
        inputs = [
            {"name": field, "field": field, "dtype": kind, "shape": [-1, *shape]}
            for field, spec in project.get("fields", {}).items()
            for kind, shape in [_DRAFTS.get(spec["type"], ("float", [spec.get("length")]))]
            if None not in shape
        ]
        told = {"inputs": inputs, "outputs": {"vector": "vector"}}
    lines = [f"    {json.dumps(one)}" for one in told["inputs"]]
    outputs = json.dumps(told["outputs"])
    return '{\n  "inputs": [\n' + ",\n".join(lines) + f'\n  ],\n  "outputs": {outputs}\n}}'
