"""Handlers that answer errors with problem documents, and what the log says of refusals."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.problems import MEDIA_TYPE, TYPE_PREFIX, Problem, Unprocessable, to_json
from shared.problems.faults import listed_faults
from shared.telemetry import request_fields

log = structlog.get_logger()

# Only metrics show it: several servers count such requests by this number.
_CLIENT_LEFT = 499


def install(app: FastAPI) -> None:
    """Let `app` answer every error with a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _unexpected)


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    note(error, request.scope)
    return error.response()


def note(problem: Problem, scope: Mapping[str, Any]) -> None:
    """Log the refusal of the request of `scope`, unless its kind is only counted."""
    if problem.logged:
        log.info("request_refused", **refusal_fields(problem, scope))


def refusal_fields(problem: Problem, scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the log says of a refusal: the problem, the request, and the first fault's place.

    A pointer ends at an item's `data` or `metadata`: the names below may be the client's own.
    """
    fields = {"problem": problem.kind, "status": problem.status, **request_fields(scope)}
    if faults := problem.extensions.get("errors"):
        fields["pointer"] = _without_data(faults[0]["pointer"])
    return fields


def _without_data(pointer: str) -> str:
    parts = pointer.split("/")
    ends = [parts.index(name) + 1 for name in ("data", "metadata") if name in parts]
    return "/".join(parts[: min(ends, default=len(parts))])


def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _problem(request, Unprocessable(listed_faults(error.errors())))


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    # Of several kinds of one status the first is meant: the others are more special.
    known = {kind.status: kind for kind in reversed(Problem.__subclasses__())}
    problem = known.get(error.status_code, Problem)
    document = {
        "type": TYPE_PREFIX + problem.kind if problem is not Problem else "about:blank",
        "title": problem.title if problem is not Problem else str(error.detail),
        "status": error.status_code,
        "detail": str(error.detail),
    }
    headers = dict(error.headers or {})
    if "GET" in headers.get("Allow", "") and "HEAD" not in headers["Allow"]:
        headers["Allow"] += ", HEAD"
    return Response(to_json(document), error.status_code, headers, media_type=MEDIA_TYPE)


def _left(_: Request, __: Exception) -> Response:
    """Return a response for the metrics alone: the client left in the middle of its body."""
    return Response(status_code=_CLIENT_LEFT)


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request_failed", **request_fields(request.scope), exc_info=error)
    return Problem("The service failed; the log has the cause.").response()
