"""Handlers that answer errors with problem documents, and what the log says of refusals."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from shared.problems import MEDIA_TYPE, TYPE_PREFIX, Problem, Unprocessable, to_json
from shared.problems.faults import listed_faults
from shared.telemetry import request_fields

ROUTER, REVIEW_QUEUE, TRAINER = "router", "review queue", "trainer"
PORTS = {ROUTER: 8000, REVIEW_QUEUE: 8001, TRAINER: 8002}
"""The port of each service, unless a setting says otherwise."""

OWNERS = {
    ROUTER: frozenset({"predict", "items", "model", "outcomes"}),
    REVIEW_QUEUE: frozenset(
        {
            *("tasks", "leases", "outcomes", "items", "queue", "import", "export", "gold"),
            *("reviewers", "agreement", "suspects", "feedback", "timings", "webhooks", "links"),
            *("archive", "unarchive", "capacity", "human-error", "second-opinions", "activity"),
            "withdrawals",
        }
    ),
    TRAINER: frozenset(
        {
            *("pool", "runs", "versions", "datasets", "decisions", "promise", "certificate"),
            *("certify", "suspend", "resume", "rollback", "canary", "audit", "what-if"),
            "reliability",
        }
    ),
}
"""Of each service, the words that follow ``/v1/projects/{project}/`` in its paths."""

_PREFIXES = ("router", "review_queue", "trainer")
_DEPTH = len(["", "v1", "projects", "PROJECT", "WORD"])


def hint_for(path: str, *, is_known: bool) -> str:
    """Say what to do about a path that this service does not have.

    Parameters
    ----------
    is_known
        Whether this service has the path without the slash at its end.
    """
    if is_known:
        return f"Leave out the slash at the end: `{path.rstrip('/')}`."
    parts = path.split("/")
    if parts[1] in _PREFIXES and parts[2:3] == ["v1"]:
        return (
            f"`/{parts[1]}` is a prefix of a gateway, and this is a single service: leave it out. "
            "The Python package takes the address of each: Surehand(router=…, review_queue=…, "
            "trainer=…)."
        )
    if parts[1:3] == ["v1", "v1"]:
        return "The path has `/v1` twice: leave it out of the service's address."
    owners: list[str] = []
    if len(parts) >= _DEPTH and parts[1:3] == ["v1", "projects"]:
        owners = [name for name, words in OWNERS.items() if parts[_DEPTH - 1] in words]
    elif parts[1:2] == ["v2"] or parts[1:2] == ["label-studio"]:
        owners = [ROUTER]
    elif parts[1:3] in (["v1", "leases"], ["v1", "projects"], ["v1", "links"]):
        owners = [REVIEW_QUEUE]
    advice = "`GET /docs` lists the paths of this service."
    if not owners:
        return f"This service has no such path. {advice}"
    named = " or ".join(f"the {name}, port {PORTS[name]}" for name in owners)
    return f"This service has no such path: it looks like one of {named} by default. {advice}"


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


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    # Of several kinds of one status the first is meant: the others are more special.
    known = {kind.status: kind for kind in reversed(Problem.__subclasses__())}
    problem = known.get(error.status_code, Problem)
    document = {
        "type": TYPE_PREFIX + problem.kind if problem is not Problem else "about:blank",
        "title": problem.title if problem is not Problem else str(error.detail),
        "status": error.status_code,
        "detail": _advice(request, error),
    }
    headers = dict(error.headers or {})
    if "GET" in headers.get("Allow", "") and "HEAD" not in headers["Allow"]:
        headers["Allow"] += ", HEAD"
    return Response(to_json(document), error.status_code, headers, media_type=MEDIA_TYPE)


def _advice(request: Request, error: HTTPException) -> str:
    """Say what to do about a path or a method that the service does not have."""
    path, allowed = request.url.path, (error.headers or {}).get("Allow")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and allowed:
        return f"This path takes {allowed}."
    # Starlette's own words for a path without a route.
    if error.status_code != HTTPStatus.NOT_FOUND or error.detail != HTTPStatus.NOT_FOUND.phrase:
        return str(error.detail)
    scope = {**request.scope, "path": path.rstrip("/")}
    is_known = path.endswith("/") and any(
        route.matches(scope)[0] is not Match.NONE for route in request.app.routes
    )
    return hint_for(path, is_known=is_known)


def _left(_: Request, __: Exception) -> Response:
    """Return a response for the metrics alone: the client left in the middle of its body."""
    return Response(status_code=_CLIENT_LEFT)


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request_failed", **request_fields(request.scope), exc_info=error)
    return Problem("The service failed; the log has the cause.").response()
