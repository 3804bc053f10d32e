"""Wiring and lifespan of the console."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from services.console.charts.bundle import Bundle
from services.console.clients import Clients
from services.console.pages.data import job_routes
from services.console.pages.projects.promises import Promises
from services.console.pages.versions import encoder_routes
from services.console.routes import ROUTERS
from services.console.settings import ConsoleSettings
from services.console.web import faults
from services.console.web.rendering import FOLDER
from services.console.web.security import Site
from shared.http.app import build_app
from shared.settings import CommonSettings

# Bodies that are handed on as they come, and bounded by the trainer.
_HANDED_ON = dict.fromkeys((job_routes.UPLOAD_PATH, encoder_routes.UPLOAD_PATH), 1024**4)


class Assets(StaticFiles):
    """Scripts and styles of the pages; browsers ask each time whether they have changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return one file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def create_app(common: CommonSettings, settings: ConsoleSettings) -> FastAPI:
    """Return the application."""
    clients = Clients(settings.router_url, common.review_queue_url, common.trainer_url)
    promises, bundle = Promises(), Bundle(common.home)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await bundle.close()
            await promises.close()
            await clients.close()

    app = build_app(
        common,
        service="console",
        description="The pages of people.",
        lifespan=lifespan,
        routers=ROUTERS,
        missing={},
        larger_bodies=_HANDED_ON,
    )
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=common.trusted_proxies.split())
    faults.install(app)
    app.state.clients, app.state.promises = clients, promises
    app.state.site = Site(settings.public_url, settings.allowed_image_origins)
    app.state.bundle = bundle
    app.mount("/assets", Assets(directory=FOLDER / "static"))
    return app
