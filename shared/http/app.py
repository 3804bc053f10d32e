"""A service's FastAPI application: health, metrics, problems, request ids, bounded bodies."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared import problems
from shared.auth import Verifier
from shared.http.body import DEFAULT_LIMIT_BYTES, BodyLimit
from shared.telemetry import RequestContext

Readiness = Callable[[], Awaitable[dict[str, str]]]
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
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """Wire an application.

    `missing` says what the service still lacks to do its job: empty means ready. `larger_bodies`
    has a limit of its own for each pattern of paths whose routes read their bodies as they come.
    """
    app = FastAPI(
        title=f"Surehand {service}",
        description=description,
        version="1",
        lifespan=lifespan,
        redoc_url=None,
    )
    app.state.verifier = verifier
    app.include_router(_health(service, missing))
    for router in routers:
        app.include_router(router)
    problems.install(app)
    app.add_middleware(BodyLimit, limit_bytes=body_limit_bytes, larger=larger_bodies or {})
    app.add_middleware(RequestContext, service=service)
    return app


def _health(service: str, missing: Readiness) -> APIRouter:
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
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
