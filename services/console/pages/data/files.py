"""Files of the services, handed on as they come."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import Response
from fastapi.responses import StreamingResponse

from services.console.web.security import guarded
from services.console.web.visit import Visit


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
