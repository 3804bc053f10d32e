"""Log lines: one JSON object each, on standard error. Logging never raises.

A line that cannot be written (a full disk, a reader that is gone) is dropped and counted: what was
to be said of a fault must not become the next one.
"""

import logging
import os
import sys
import threading
from typing import Any

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

from shared.telemetry import LOG_LINES_DROPPED, request_id
from shared.tracing import traceparent

log = structlog.get_logger()


class _Output:
    """Lines on a descriptor; `cause` says why the last one was dropped, None when it was not."""

    def __init__(self) -> None:
        self.descriptor = 2
        self.cause: str | None = None
        self.dropped = 0
        self._is_torn = False
        self._turn = threading.Lock()

    def write(self, line: str) -> None:
        """Write one line, whole or as much as there is room for; the next begins anew."""
        content = f"{line}\n".encode(errors="backslashreplace")
        with self._turn:
            if self._is_torn:
                content = b"\n" + content
            rest = memoryview(content)
            try:
                while rest:
                    rest = rest[os.write(self.descriptor, rest) :]
            except OSError as error:
                self._is_torn = self._is_torn or len(rest) < len(content)
                self.drop(error)
            else:
                self._is_torn, self.cause = False, None

    # By the names that structlog calls.
    debug = info = warning = error = critical = write

    def drop(self, error: Exception) -> None:
        """Count a line that was not written."""
        self.cause = cause_of(error)
        self.dropped += 1
        LOG_LINES_DROPPED.inc()


_OUTPUT = _Output()


def configure_logging(service: str, level: str = "INFO") -> None:
    """Write one JSON object a line to standard error, for this process."""
    _OUTPUT.descriptor = sys.stderr.fileno()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _with_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=_unfailing(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_: _OUTPUT,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, handlers=[_Forwarding()], force=True)


async def check_log() -> dict[str, str]:
    """Say whether log lines are being dropped: after one that was, try with another."""
    if _OUTPUT.cause is not None:
        log.warning("log_lines_dropped", count=_OUTPUT.dropped)
    return {} if _OUTPUT.cause is None else {"log": f"lines are dropped: {_OUTPUT.cause}"}


def cause_of(error: BaseException) -> str:
    """Return an error's kind and the first line of what it says.

    Of SQLAlchemy's it is what the database said: its own text has the statement's parameters. Of
    one that says nothing, as time-outs of HTTP clients do, the error behind it is named as well.
    """
    error = getattr(error, "orig", None) or error
    kind, said = type(error).__name__, str(error).strip().splitlines()
    if said:
        return f"{kind}: {said[0]}"
    behind = error.__cause__ or error.__context__
    return kind if behind is None else f"{kind}: {cause_of(behind)}"


def _unfailing(level: int) -> type[FilteringBoundLogger]:
    """Return structlog's logger of `level`, that drops a line that it cannot make."""
    kind: Any = structlog.make_filtering_bound_logger(level)
    proxied = kind._proxy_to_logger

    def proxy(self: Any, name: str, event: str | None = None, *args: Any, **fields: Any) -> None:
        try:
            proxied(self, name, event, *args, **fields)
        except Exception as error:  # noqa: BLE001 - a value of the caller's may fail in any way
            _OUTPUT.drop(error)

    return type("UnfailingLogger", (kind,), {"_proxy_to_logger": proxy})


class _Forwarding(logging.Handler):
    """Writes what libraries say as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            detail = record.getMessage()
        except Exception as error:  # noqa: BLE001 - arguments that do not fit the text
            detail = f"{record.msg} ({cause_of(error)})"
        log.log(
            record.levelno,
            "library_says",
            logger=record.name,
            detail=detail,
            exc_info=record.exc_info,
        )


def _with_ids(_: object, __: str, event: EventDict) -> EventDict:
    """Name the request and, where traces are on, the trace that a line belongs to."""
    if (named := request_id()) is not None:
        event["request_id"] = named
    if (trace := traceparent()) is not None:
        event["trace_id"] = trace.split("-")[1]
    return event
