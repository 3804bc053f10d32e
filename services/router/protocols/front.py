"""Predict without a framework in between: the way of nearly all traffic.

Takes well-formed calls of ``POST /v1/projects/{project}/predict`` before FastAPI does, and does
the same as the route in `native`, which documents it. Whatever has no plain length or is not
declared as JSON goes on to FastAPI.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from services.router.incoming import read
from services.router.predict import Predictor
from shared.auth import Role, require
from shared.http.waiting import disconnected
from shared.problems import Problem, note

log = structlog.get_logger()

_PREFIX, _SUFFIX = "/v1/projects/", "/predict"
_JSON = b"application/json"
_HEADERS = ((b"content-type", _JSON),)
_ROLES: frozenset[Role] = frozenset({"caller", "operator"})


class PredictFront:
    """ASGI application that answers predict and passes all else to `app`."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self.app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        project = _project(scope)
        token = _token(scope["headers"], self._limit_bytes) if project is not None else None
        if project is None or token is None:
            await self.app(scope, receive, send)
            return
        try:
            answer, headers = await _answer(scope["app"].state, project, token, receive)
        except Problem as problem:
            note(problem)
            await problem.response()(scope, receive, send)
        except Exception:
            log.exception("request_failed", path=scope["path"])
            unknown = Problem("The service failed; the log has the cause.")
            await unknown.response()(scope, receive, send)
        else:
            headers = [(b"content-length", b"%d" % len(answer)), *headers]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": answer})


async def _answer(
    state: Any, project: str, token: str, receive: Receive
) -> tuple[bytes, Sequence[tuple[bytes, bytes]]]:
    """Return the answer to a call and its headers; nothing when the client left in its middle."""
    predictor: Predictor = state.router.predictor
    # A refusal must cost little, or refusing becomes the load: so it comes before all else.
    predictor.admit(project)
    # Who calls is known before what is sent is read.
    caller = state.verifier.verify_header(token)
    require(caller, _ROLES, project)
    body = await _body(receive)
    if body is None:
        return b"", _HEADERS
    left = partial(disconnected, receive)
    answer = await predictor.predict(project, read(body, caller), left)
    if predictor.admission.rate_limit is None:
        return answer, _HEADERS
    told = predictor.admission.headers(caller).items()
    return answer, [*_HEADERS, *((name.lower().encode(), text.encode()) for name, text in told)]


def _token(headers: Iterable[tuple[bytes, bytes]], limit_bytes: int) -> str | None:
    """Return the authorization of a request that is JSON of a fair length; None of any other."""
    token = length = media_type = b""
    for name, value in headers:
        if name == b"authorization":
            token = value
        elif name == b"content-type":
            media_type = value
        elif name == b"content-length":
            length = value
    if not length.isdigit() or int(length) > limit_bytes:
        return None
    if media_type != _JSON and media_type.partition(b";")[0].strip().lower() != _JSON:
        return None
    return token.decode("latin-1")


def _project(scope: Scope) -> str | None:
    """Return the project of a predict call; None for every other request."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path: str = scope["path"]
    if not path.startswith(_PREFIX) or not path.endswith(_SUFFIX):
        return None
    project = path[len(_PREFIX) : -len(_SUFFIX)]
    return project if project and "/" not in project else None


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body; None when the client has left."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return None if message["type"] == "http.disconnect" else body
