"""A service's FastAPI application: health, metrics, problems, request ids, bounded bodies."""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import tracing
from shared.auth import Principal, Verifier
from shared.http import outages
from shared.http.body import BodyLimit
from shared.http.context import RequestContext
from shared.http.front import Front, Way
from shared.http.openapi import corrected
from shared.http.pages import pages_router
from shared.http.readiness import Checks, Facts, Readiness
from shared.http.waiting import STOPPING
from shared.metrics import exposition
from shared.problems import Unauthorized, declare, handlers
from shared.settings import CommonSettings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

# Roles whose tokens read all metrics.
_READS_ALL = frozenset({"operator", "service"})
# FastAPI's own spans and metrics are another tool's: ours are in shared.http.context.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
_OPTIONS: dict[str, Any] = {
    # FastAPI's own pages load scripts from another host: ours are in shared.http.pages.
    "docs_url": None,
    "redoc_url": None,
    # A redirect would name the address as seen here, behind whatever speaks TLS.
    "redirect_slashes": False,
    "telemetry": _NO_TELEMETRY,
}


class Application(FastAPI):
    """FastAPI behind `entry`; `front` answers some requests before there is any ASGI message."""

    entry: ASGIApp
    front: Front | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request, or the lifespan."""
        scope["app"] = self
        await self.entry(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Return the description of the service, drawn up once."""
        if self.openapi_schema is None:
            self.openapi_schema = corrected(super().openapi())
        return self.openapi_schema

    async def through_framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let FastAPI answer; a HEAD as a GET, whose body the server leaves out."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope["method"], send = "GET", _to_head(scope, send)
        await super().__call__(scope, receive, send)


def _to_head(scope: Scope, send: Send) -> Send:
    """Let all who see the answer find the method that was asked with."""

    async def answer(message: Message) -> None:
        scope["method"] = "HEAD"
        await send(message)

    return answer


def build_app(
    common: CommonSettings,
    *,
    service: str,
    description: str,
    lifespan: Lifespan,
    routers: Sequence[APIRouter],
    missing: Checks,
    degraded: Checks | None = None,
    facts: Facts = dict,
    is_revoked: Callable[[Principal], bool] = lambda _: False,
    ways: Sequence[Way] = (),
    around: Callable[[ASGIApp], ASGIApp] = lambda framework: framework,
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """Wire an application, whose `state.stopping` is set at the end.

    `missing`, `degraded`, `facts`: see `Readiness`; `is_revoked`: see `Verifier`. `ways` are
    answered without FastAPI; what `around` makes of FastAPI answers all else. `larger_bodies`:
    limits of paths that read theirs as it comes.
    """
    verifier, limit = Verifier(common.keys_folder, is_revoked=is_revoked), common.body_limit_bytes
    app = Application(
        title=f"Surehand {service}",
        description=description,
        version="1",
        lifespan=_running(service, lifespan),
        **_OPTIONS,
    )
    app.state.verifier, app.state.stopping = verifier, asyncio.Event()
    readiness = Readiness(service, app.state.stopping, missing, degraded or {}, facts)
    own = _health(service, readiness), metrics_router(verifier, common.metrics_token)
    for router in (*own, *routers, pages_router(service, description)):
        app.include_router(router)
    handlers.install(app)
    outages.install(app)
    app.add_middleware(BodyLimit, limit_bytes=limit, larger=larger_bodies or {})
    app.entry = RequestContext(around(app.through_framework), service)
    app.front = Front(ways, limit, app.state, service) if ways else None
    return app


def _running(
    service: str, lifespan: Lifespan
) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, asyncio.Event]]]:
    """Export spans meanwhile, and give the server the stopping event by the lifespan's state."""

    @contextlib.asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[dict[str, asyncio.Event]]:
        with tracing.exporting(service):
            async with lifespan(app):
                yield {STOPPING: app.state.stopping}

    return running


def _health(service: str, readiness: Readiness) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "service": service}

    @router.get(
        "/readyz",
        summary="This replica can serve; `degraded` lists the parts that do not work meanwhile",
        responses={503: {"description": "It cannot serve; `missing` says what is missing"}},
    )
    async def readyz() -> Response:
        return await readiness.answer()

    return router


def metrics_router(verifier: Verifier, metrics_token: SecretStr) -> APIRouter:
    """Return the route of `/metrics`.

    The metrics token, and tokens of operators and services, read all metrics. Without one of them
    the response leaves out what is confidential; if a metrics token is set, it is 401.
    """
    router = APIRouter(tags=["health"])
    secret = metrics_token.get_secret_value()
    expected = f"Bearer {secret}".encode()

    @router.get(
        "/metrics",
        summary="Prometheus metrics",
        response_class=Response,
        responses=declare(Unauthorized),
    )
    async def metrics(request: Request) -> Response:
        header = request.headers.get("authorization", "")
        whole = bool(secret) and hmac.compare_digest(header.encode(), expected)
        whole = whole or _may_read_all(verifier, header)
        if secret and not whole:
            raise Unauthorized("Send SUREHAND_METRICS_TOKEN, or an operator's token, as bearer.")
        accepted = request.headers.get("accept", "")
        text, media_type = await asyncio.to_thread(exposition, accepted, whole=whole)
        return Response(text, media_type=media_type)

    return router


def _may_read_all(verifier: Verifier, header: str) -> bool:
    try:
        return verifier.verify_header(header).role in _READS_ALL
    except Unauthorized:
        return False
