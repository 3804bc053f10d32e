"""Files of the services and of browsers, handed on as they come."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from services.console.web.security import guarded
from services.console.web.visit import NotOurForm, SignInNeeded, Visit

_CSRF_HEADER = "Surehand-Form"


async def streamed(
    visit: Visit,
    service: str,
    path: str,
    file_name: str,
    media_type: str,
    params: Mapping[str, Any] | None = None,
) -> Response:
    """Return a service's file as a download."""
    chunks = _chunks(visit, service, path, params)
    # The first of it, so that a refusal becomes a page.
    first = await anext(chunks, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return guarded(StreamingResponse(whole(), headers=headers, media_type=media_type))


async def _chunks(
    visit: Visit, service: str, path: str, params: Mapping[str, Any] | None
) -> AsyncIterator[bytes]:
    async with visit.api.stream(service, "GET", path, params=params) as answer:
        async for chunk in answer.aiter_bytes():
            yield chunk


def require_own(visit: Visit, request: Request) -> None:
    """Raise `NotOurForm` or `SignInNeeded` unless this session's own page sent a request."""
    if not request.app.state.site.is_own(request):
        raise NotOurForm(is_foreign=True)
    # Of a session before this one: the page asks for its mark anew, and goes on.
    if request.headers.get(_CSRF_HEADER) != visit.session.csrf:
        raise SignInNeeded
