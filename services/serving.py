"""Run one service in this process, found by its name: an image holds only its own."""

import contextlib
import errno
import gc
import importlib
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from pydantic_settings import BaseSettings

from services.supervisor import beat
from shared.home import PRIVATE_UMASK, prepare_home
from shared.logs import configure_logging
from shared.memory import keep_one_arena
from shared.settings import CommonSettings, SettingsError, load_settings

SERVICES = {
    "router": "RouterSettings",
    "review_queue": "ReviewQueueSettings",
    "trainer": "TrainerSettings",
    "console": "ConsoleSettings",
}
log = structlog.get_logger()

# Requests under way get so long when a service stops; then they are cancelled.
GRACE_SECONDS = 10
# And so long after them what is written to disk and store at the end.
FLUSH_SECONDS = 10
_NOT_STARTED = 3
_OVERDUE = 4
WRONG_ENVIRONMENT = 2


def exit_status(command: Callable[[], int]) -> int:
    """Run a command whose files are for this user alone; return its exit status.

    An environment that it cannot work in is one sentence and status 2.
    """
    os.umask(PRIVATE_UMASK)
    try:
        return command()
    except SettingsError as error:
        sys.stderr.write(f"surehand: {error}\n")
    except OSError as error:
        if error.filename is None:
            raise
        sys.stderr.write(f"surehand: {error.filename}: {error.strerror}.\n")
    return WRONG_ENVIRONMENT


def load_service_settings(service: str, **given: Any) -> BaseSettings:
    """Return the checked settings of `service`; what is `given` counts for the environment's."""
    module: Any = importlib.import_module(f"services.{service}.settings")
    kind: type[BaseSettings] = getattr(module, SERVICES[service])
    return load_settings(kind, **given)


def serve(
    service: str,
    common: CommonSettings,
    settings: BaseSettings,
    *,
    shared: bool = False,
    heartbeat: int | None = None,
) -> None:
    """Serve until SIGTERM; requests that were accepted are answered first, within `stop_seconds`.

    With `shared` other processes may serve on the same port. Once this one listens, signs of life
    go to the pipe `heartbeat`. `SettingsError` when the address cannot be listened on.
    """
    from shared.http.connections import ConnectionLimits  # noqa: PLC0415 - `token` needs none
    from shared.http.server import Server, configured  # noqa: PLC0415 - likewise

    keep_one_arena()
    configure_logging(service, common.log_level)
    prepare_home(common.home)
    app = importlib.import_module(f"services.{service}.app").create_app(common, settings)
    # What was imported stays for good: looking for garbage in it would stop requests for 100 ms.
    gc.collect()
    gc.freeze()
    bound = bind(service, common.bind_host, port_of(settings), shared=shared)
    log.info("service_starting", host=common.bind_host, port=bound.getsockname()[1])
    limits = ConnectionLimits(common.header_timeout_seconds, common.body_timeout_seconds)
    server = Server(
        configured(app, limits, grace_seconds=GRACE_SECONDS),
        drain_seconds=common.drain_seconds,
        on_started=partial(beat, heartbeat),
        on_stopping=partial(end_within, stop_seconds(common)),
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run([bound])
    if not server.started:
        sys.exit(_NOT_STARTED)


def stop_seconds(common: CommonSettings) -> float:
    """Return how long a service takes at most from SIGTERM to its end."""
    return common.drain_seconds + GRACE_SECONDS + FLUSH_SECONDS


def end_within(seconds: float) -> None:
    """End this process in `seconds`, if it has not ended by then.

    A thread that hangs, in a model or in a call to a store that does not answer, would otherwise
    keep it for ever. What must survive is on disk before it is acknowledged.
    """

    def end() -> None:
        hanging = [thread.name for thread in threading.enumerate() if not thread.daemon]
        log.error("stop_overdue", seconds=seconds, threads=hanging)
        os._exit(_OVERDUE)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def port_of(settings: BaseSettings) -> int:
    """Return the port of a service's settings: each has one."""
    port: int = settings.port  # type: ignore[attr-defined]
    return port


def bind(service: str, host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bind the address of `service`.

    Raises `SettingsError`: it is busy, or none of this machine's.
    """
    from shared.http.server import bound_socket  # noqa: PLC0415 - as above

    try:
        return bound_socket(host, port, shared=shared)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise SettingsError(f"{host} is no address to listen on: {error.strerror}.") from error
        variable = f"SUREHAND_{service.upper()}_PORT"
        raise SettingsError(
            f"Port {port} of {service} is busy: stop what listens there, or set {variable}."
        ) from error


async def migrate(service: str, common: CommonSettings, settings: BaseSettings) -> str | None:
    """Bring the database of `service` to the newest revision; return what there is to say.

    Raises `SettingsError`: the database cannot be reached, or is too new for this release.
    """
    from shared.db.schema import UnusableSchema  # noqa: PLC0415 - the router has no SQL

    async with _opened_database(service, common, settings) as database:
        try:
            schema = await database.migrate(_package_folder(service) / "migrations")
        except UnusableSchema as error:
            raise SettingsError(_sentence(error.schema.fault(service) or "")) from error
    if schema.standing == "ahead":
        return (
            f"The database is at revision {schema.current}, newer than this release's"
            f" {schema.newest}, which works with it: nothing to do."
        )
    return None


async def restored(service: str, common: CommonSettings, settings: BaseSettings) -> str:
    """Declare that the database of `service` was restored; return what was done.

    Raises `SettingsError`: the database cannot be reached, or is not at a revision that this
    release works with.
    """
    module: Any = importlib.import_module(f"services.{service}.restored")
    async with _opened_database(service, common, settings) as database:
        schema = await database.schema(_package_folder(service) / "migrations")
        if fault := schema.fault(service):
            raise SettingsError(_sentence(fault))
        done: str = await module.declare_restored(common, database)
    return done


@contextlib.asynccontextmanager
async def _opened_database(
    service: str, common: CommonSettings, settings: Any
) -> AsyncIterator[Any]:
    """Open the database of `service`; say in one sentence that it cannot be reached."""
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - the router has no SQL

    from shared.db import Database  # noqa: PLC0415 - likewise
    from shared.logs import cause_of  # noqa: PLC0415 - likewise

    if not settings.database_url:
        prepare_home(common.home)
    database = Database(common.database_address(service, settings.database_url))
    try:
        yield database
    except OperationalError as error:
        raise SettingsError(f"The database of {service} failed: {cause_of(error)}.") from error
    finally:
        await database.dispose()


def _package_folder(service: str) -> Path:
    package: Any = importlib.import_module(f"services.{service}")
    return Path(package.__path__[0])


def _sentence(fault: str) -> str:
    return f"{fault[:1].upper()}{fault[1:]}."
