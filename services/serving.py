"""Run one service in this process, found by its name: an image holds only its own."""

import contextlib
import gc
import importlib
import sys
from pathlib import Path
from typing import Any

import structlog
from pydantic_settings import BaseSettings

from shared.settings import CommonSettings, load_settings
from shared.telemetry import configure_logging

SERVICES = {
    "router": "RouterSettings",
    "review_queue": "ReviewQueueSettings",
    "trainer": "TrainerSettings",
}
log = structlog.get_logger()

_GRACE_SECONDS = 10
_NOT_STARTED = 3


def load_service_settings(service: str) -> BaseSettings:
    """Return the checked settings of `service`."""
    module: Any = importlib.import_module(f"services.{service}.settings")
    kind: type[BaseSettings] = getattr(module, SERVICES[service])
    return load_settings(kind)


def serve(service: str, common: CommonSettings, settings: BaseSettings) -> None:
    """Serve until SIGTERM; requests that were accepted are answered first."""
    import uvicorn  # noqa: PLC0415 - `token` and `migrate` need no server

    from shared.http.server import Server  # noqa: PLC0415 - likewise

    configure_logging(service, common.log_level)
    common.home.mkdir(parents=True, exist_ok=True)
    module: Any = importlib.import_module(f"services.{service}.app")
    port: int = settings.port  # type: ignore[attr-defined]
    log.info("service_starting", host=common.bind_host, port=port)
    app = module.create_app(common, settings)
    # What was imported stays for good: looking for garbage in it would stop requests for 100 ms.
    gc.collect()
    gc.freeze()
    server = Server(
        uvicorn.Config(
            app,
            host=common.bind_host,
            port=port,
            log_config=None,
            access_log=False,
            ws="none",
            # Nothing here asks where a request came from.
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(_NOT_STARTED)


async def migrate(service: str, common: CommonSettings, settings: BaseSettings) -> None:
    """Bring the database of `service` to the newest revision."""
    from shared.db import Database  # noqa: PLC0415 - the router has no SQL

    common.home.mkdir(parents=True, exist_ok=True)
    package: Any = importlib.import_module(f"services.{service}")
    database = Database(database_address(service, common, settings))
    try:
        await database.migrate(Path(package.__path__[0]) / "migrations")
    finally:
        await database.dispose()


def database_address(service: str, common: CommonSettings, settings: BaseSettings) -> str:
    """URL of a service's database: as set, else a SQLite file in `home`."""
    given: str = settings.database_url  # type: ignore[attr-defined]
    return given or f"sqlite+aiosqlite:///{(common.home / f'{service}.db').resolve()}"
