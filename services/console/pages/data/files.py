"""Files of the services and of browsers, handed on as they come."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from services.console.web.project_pages import call
from services.console.web.security import guarded
from services.console.web.visit import SignInNeeded, Visit, require_own

MEDIA_TYPES = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "label-studio": "application/json",
}
_CSRF_HEADER = "Surehand-Form"
_UPLOAD_SECONDS = 600.0


async def streamed(
    visit: Visit,
    service: str,
    path: str,
    file_name: str,
    media_type: str,
    params: Mapping[str, Any] | None = None,
) -> Response:
    """Return a service's file as a download."""

    async def pieces() -> AsyncIterator[bytes]:
        async with visit.api.stream(service, "GET", path, params=params) as answer:
            async for piece in answer.aiter_bytes():
                yield piece

    rest = pieces()
    # The first of it, so that a refusal becomes a page.
    first = await anext(rest, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in rest:
            yield piece

    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return guarded(StreamingResponse(whole(), headers=headers, media_type=media_type))


async def handed_on(
    visit: Visit,
    request: Request,
    method: str,
    project: str,
    path: str,
    headers: Mapping[str, str],
) -> Any:
    """Hand the body of a request on to the trainer as the browser sends it; return the answer.

    Raises what `require_mark` does.
    """
    require_mark(visit, request)
    length = request.headers.get("content-length")
    sized = {} if length is None else {"Content-Length": length}
    # A body that is read as it comes can be sent once.
    return await call(
        visit, "trainer", method, project, path, content=request.stream,
        headers={**headers, **sized}, timeout=_UPLOAD_SECONDS, is_idempotent=False,
    )  # fmt: skip


def require_mark(visit: Visit, request: Request) -> None:
    """Raise `NotOurForm` or `SignInNeeded` unless this session's own page sent a request."""
    require_own(request)
    # Of a session before this one: the page asks for its mark anew, and goes on.
    if request.headers.get(_CSRF_HEADER) != visit.session.csrf:
        raise SignInNeeded
