"""Errors that mean that something the service needs is away: answered 503, never as its own fault.

What a database or a store raises when it is away says so here, once for all routes; anything else
stays an error of the service's. Loops look at such errors themselves.
"""

import errno
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from fastapi import FastAPI
from obstore import exceptions as store
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.logs import cause_of
from shared.problems import Problem, Unavailable
from shared.problems.handlers import refusal_fields
from shared.telemetry import request_fields

log = structlog.get_logger()

# Names what is away, where that is what an error means; else None.
Outage = Callable[[Exception], str | None]

_RETRY_AFTER_SECONDS = 2
# The store answered: what was asked for was wrong, or is not there.
_ANSWERS_OF_STORE = (
    store.AlreadyExistsError,
    store.InvalidPathError,
    store.NotFoundError,
    store.NotModifiedError,
    store.NotSupportedError,
    store.PreconditionError,
    store.UnknownConfigurationKeyError,
)
_MACHINE_ERRORS = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE),
    *(errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN),
}


def store_outage(error: Exception) -> str | None:
    """Tell that the object store cannot be reached, or not be written."""
    is_outage = isinstance(error, store.BaseError) and not isinstance(error, _ANSWERS_OF_STORE)
    return "object store" if is_outage else None


def machine_outage(error: Exception) -> str | None:
    """Tell that a connection broke or was not made in time, or that the disk takes no more."""
    if isinstance(error, ConnectionError | TimeoutError):
        return "connection"
    if isinstance(error, OSError) and error.errno in _MACHINE_ERRORS:
        return "disk or network"
    return None


def problem_of(error: Exception, outages: Sequence[Outage], scope: Scope) -> Problem:
    """Return how a request is refused that failed with `error`, and log why."""
    if (away := unavailable(error, outages, scope)) is not None:
        return away
    log.error("request_failed", **request_fields(scope), exc_info=error)
    return Problem("The service failed; the log has the cause.")


def unavailable(error: Exception, outages: Sequence[Outage], scope: Scope) -> Unavailable | None:
    """Return the 503 for an error that means an outage, and log that; None for any other error."""
    told = ((outage, outage(error)) for outage in outages)
    by, away = next(((outage, name) for outage, name in told if name is not None), (None, None))
    if away is None:
        return None
    problem = Unavailable(
        f"The service's {away} does not work at the moment; send the request again.",
        retry_after_seconds=_RETRY_AFTER_SECONDS,
    )
    fields = {**refusal_fields(problem, scope), "away": away}
    # Any connection or file of the service's may be meant: the traceback says which.
    write = partial(log.warning, exc_info=error) if by is machine_outage else log.info
    write("request_refused", **fields, cause=cause_of(error))
    return problem


def install(app: FastAPI) -> None:
    """Let `app` answer outages; `app.state.outages` may be given more of them."""
    app.state.outages = [store_outage, machine_outage]
    app.add_middleware(OutageAnswers, outages=app.state.outages)


class OutageAnswers:
    """ASGI middleware: answers a request that an outage ended with 503."""

    def __init__(self, app: ASGIApp, outages: Sequence[Outage]) -> None:
        self.app = app
        self.outages = outages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; an answer that has begun breaks off as with any error."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            problem = None if begun else unavailable(error, self.outages, scope)
            if problem is None:
                raise
            await problem.response()(scope, receive, send)
