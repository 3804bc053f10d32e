"""A service's FastAPI application: health, metrics, problems, request ids, bounded bodies."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.types import ASGIApp

from shared import problems, tracing
from shared.auth import Verifier
from shared.http.body import DEFAULT_LIMIT_BYTES, BodyLimit
from shared.http.openapi import describe
from shared.telemetry import RequestContext

Readiness = Callable[[], Awaitable[dict[str, str]]]
Front = Callable[[ASGIApp], ASGIApp]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def build_app(
    *,
    service: str,
    description: str,
    lifespan: Lifespan,
    routers: Sequence[APIRouter],
    verifier: Verifier,
    missing: Readiness,
    body_limit_bytes: int = DEFAULT_LIMIT_BYTES,
    front: Front | None = None,
    measure: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Wire an application.

    `missing` says what the service still lacks to do its job: empty means ready. `front` gets each
    request before FastAPI does, and may answer it. `measure` sets what is only read off when
    metrics are asked for.
    """

    app = FastAPI(
        title=f"Surehand {service}",
        description=description,
        version="1",
        lifespan=_traced(service, lifespan),
        redoc_url=None,
        # FastAPI's own spans and metrics are another tool's: ours are in shared.telemetry.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.verifier = verifier
    app.include_router(_health(service, missing, measure))
    for router in routers:
        app.include_router(router)
    problems.install(app)
    describe(app)
    app.add_middleware(BodyLimit, limit_bytes=body_limit_bytes)
    stack = app.build_middleware_stack()
    stack = RequestContext(front(stack) if front else stack, service=service)
    app.middleware_stack = tracing.continuing(stack)
    return app


def _traced(service: str, lifespan: Lifespan) -> Lifespan:
    @contextlib.asynccontextmanager
    async def traced(app: FastAPI) -> AsyncIterator[None]:
        with tracing.exporting(service):
            async with lifespan(app):
                yield

    return traced


def _health(service: str, missing: Readiness, measure: Callable[[], None]) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "service": service}

    @router.get(
        "/readyz",
        summary="The service can do its job",
        responses={503: {"description": "Not ready; `missing` says what is missing"}},
    )
    async def readyz() -> Response:
        lacks = await missing()
        body: dict[str, Any] = {"ready": not lacks, "service": service, "missing": lacks}
        return Response(orjson.dumps(body), 503 if lacks else 200, media_type="application/json")

    @router.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        measure()
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), media_type=media_type)

    return router
