"""The router's application: wiring and lifespan only."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial

from fastapi import FastAPI

from services.router.protocols.dependencies import Services
from services.router.protocols.label_studio import routes as label_studio
from services.router.protocols.native import routes as native
from services.router.protocols.oip import routes as oip
from services.router.protocols.oip.refusals import WithError
from services.router.services import running_services
from services.router.settings import RouterSettings
from shared.auth import show_token_expiry
from shared.contracts.base import utc_now
from shared.http.app import build_app
from shared.settings import CommonSettings, SettingsError


def create_app(
    common: CommonSettings, settings: RouterSettings, *, now: Callable[[], datetime] = utc_now
) -> FastAPI:
    """Build the application; nothing runs before its lifespan begins.

    Raises `SettingsError`: there is no secret: the audit draw would be one that callers can
    foresee.
    """
    if not common.secret.get_secret_value():
        raise SettingsError("Set SUREHAND_SECRET to 32 random characters or more.")
    show_token_expiry("router", common.service_token.get_secret_value())

    async def missing() -> dict[str, str]:
        return _services(app).versions.missing()

    async def degraded() -> dict[str, str]:
        return await _services(app).degraded()

    app = build_app(
        common,
        service="router",
        description="Scores items and routes them: sure answers to the caller, the rest to people.",
        lifespan=partial(_lifespan, common, settings, now),
        routers=[native.router, *oip.routers, *label_studio.routers],
        missing={"versions": missing},
        degraded={"loops": degraded},
        ways=(native.PREDICT, oip.INFER),
        around=WithError,
    )
    return app


@contextlib.asynccontextmanager
async def _lifespan(
    common: CommonSettings, settings: RouterSettings, now: Callable[[], datetime], app: FastAPI
) -> AsyncIterator[None]:
    async with running_services(common, settings, now, app.state.stopping) as services:
        app.state.services = services
        yield


def _services(app: FastAPI) -> Services:
    services: Services = app.state.services
    return services
