"""Addresses that the pages of people had before they moved to the console."""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from shared.problems import NotFound

router = APIRouter(include_in_schema=False)


@router.get("/ui")
@router.get("/ui/{rest:path}")
async def moved(request: Request, rest: str = "") -> Response:
    """Send the browser to the same page of the console; links that were not used work there."""
    console: str = request.app.state.console_url
    if not console:
        raise NotFound("The reviewers' desk is at the console: ask an operator for its address.")
    first, _, page = rest.partition("/")
    path = {"p": f"review/{page}", "enter": "enter"}.get(first, "")
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{console}/{quote(path.rstrip('/'))}{query}", status_code=307)
