"""What browsers draw charts with."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.console.charts.bundle import Bundle
from services.console.charts.themes import THEMES

router = APIRouter(prefix="/charts", include_in_schema=False)
_NOT_FOUND = 404


@router.get("/themes.json")
async def themes() -> Response:
    """Return the configurations of Vega-Lite, light and dark."""
    return JSONResponse(THEMES, headers={"Cache-Control": "no-cache"})


@router.get("/{name}")
async def script(request: Request, name: str) -> Response:
    """Return the script that draws charts; its name has its version, so it never changes."""
    bundle: Bundle = request.app.state.bundle
    if name != bundle.name:
        raise HTTPException(_NOT_FOUND)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Encoding": "gzip",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(await bundle.content(), headers=headers, media_type="text/javascript")
