"""What a browser finds at a service's own address: what it is, and its API's documentation."""

from functools import cache
from importlib.resources import files

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from shared.problems import NotFound

_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
# Of FastAPI's own page the same assets come from another host, and it has an inline script.
_START = """\
window.onload = function () {
  SwaggerUIBundle({
    url: "openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis], persistAuthorization: false,
  });
};
"""
_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Surehand {service}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="docs/swagger-ui.css"></head>
<body><div id="docs">The paths of this service: <a href="openapi.json">openapi.json</a>.</div>
<script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script>
</body></html>
"""
_HOME = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Surehand {service}</title></head>
<body><h1>Surehand {service}</h1><p>{description}</p><ul>
<li><a href="docs">docs</a>: its API</li>
<li><a href="healthz">healthz</a>: the process lives</li>
<li><a href="readyz">readyz</a>: it can serve</li></ul>
<p>{people}</p></body></html>
"""
_PEOPLE = "Reviewers and operators work in the console, port 8003 by default."
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def pages_router(service: str, description: str) -> APIRouter:
    """Make the routes of the documentation's pages and of `/`; an app's own `/` goes before."""
    router = APIRouter(include_in_schema=False)
    name = service.replace("_", " ")

    @router.get("/docs")
    async def docs() -> Response:
        return HTMLResponse(_PAGE.format(service=name), headers=_HEADERS)

    @router.get("/docs/{asset}")
    async def asset(asset: str) -> Response:
        if asset == "start.js":
            return Response(_START, media_type="text/javascript", headers=_HEADERS)
        if asset not in _ASSETS:
            raise NotFound("`/docs` is the page.")
        headers = {**_HEADERS, "Cache-Control": "max-age=3600"}
        return Response(_read(asset), media_type=_ASSETS[asset], headers=headers)

    @router.get("/")
    async def home(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            page = _HOME.format(service=name, description=description, people=_PEOPLE)
            return HTMLResponse(page, headers=_HEADERS)
        told = {
            "service": service,
            "description": description,
            "docs": "/docs",
            "openapi": "/openapi.json",
            "healthz": "/healthz",
            "readyz": "/readyz",
            "people": _PEOPLE,
        }
        return Response(orjson.dumps(told), media_type="application/json")

    return router


@cache
def _read(asset: str) -> bytes:
    return (files("fastapi_offline") / "static" / asset).read_bytes()
