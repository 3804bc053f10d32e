"""Answer the well-formed calls of a few paths without FastAPI: nearly all traffic.

The same use case as in the route that documents the path. A request without a plain length, or
with headers that its way does not take, goes on to FastAPI.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.router.protocols.dependencies import Services
from services.router.waiting.waiters import Left
from shared.auth import Principal, Role, require
from shared.http.context import ROUTE
from shared.http.outages import problem_of
from shared.http.waiting import disconnected
from shared.problems import Problem, note

log = structlog.get_logger()

RequestHeaders = Mapping[bytes, bytes]
Answer = tuple[list[tuple[bytes, bytes]], bytes]

_ROLES: frozenset[Role] = frozenset({"caller", "operator"})


class Call(NamedTuple):
    """One request as a way gets it; `left` returns when the caller has left."""

    state: Any
    project: str
    caller: Principal
    headers: RequestHeaders
    body: bytes
    left: Left


@dataclass(frozen=True, slots=True)
class Way:
    """One kind of call: ``POST {prefix}PROJECT{suffix}``.

    `takes` says whether a request of such a head is met here; `refuse` writes what `answer`
    raises.
    """

    prefix: str
    suffix: str
    takes: Callable[[RequestHeaders], bool]
    answer: Callable[[Call], Awaitable[Answer]]
    refuse: Callable[[Problem], Response] = Problem.response

    @property
    def route(self) -> str:
        """The path of the route that documents it."""
        return f"{self.prefix}{{project}}{self.suffix}"

    def project(self, path: str) -> str | None:
        """Return the project in `path`; None when this is not the way."""
        if not path.startswith(self.prefix) or not path.endswith(self.suffix):
            return None
        project = path[len(self.prefix) : -len(self.suffix)]
        return project if project and "/" not in project else None


class Front:
    """ASGI application that answers what goes one of its `ways`, and passes all else to `app`."""

    def __init__(self, app: ASGIApp, ways: Sequence[Way], limit_bytes: int) -> None:
        self.app = app
        self._ways = [(way, way.route) for way in ways]
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "POST":
            path: str = scope["path"]
            for way, route in self._ways:
                project = way.project(path)
                if project is None:
                    continue
                # The first of a name counts, as for the framework.
                headers = dict(reversed(scope["headers"]))
                length = headers.get(b"content-length", b"")
                if length.isdigit() and int(length) <= self._limit_bytes and way.takes(headers):
                    scope[ROUTE] = route
                    await _serve(way, project, headers, scope, receive, send)
                    return
        await self.app(scope, receive, send)


async def _serve(
    way: Way, project: str, headers: RequestHeaders, scope: Scope, receive: Receive, send: Send
) -> None:
    try:
        answered = await _answer(way, scope["app"].state, project, headers, receive)
    except Problem as problem:
        note(problem)
        await way.refuse(problem)(scope, receive, send)
    except ClientDisconnect:
        # The client has left.
        return
    except Exception as error:  # noqa: BLE001 - answered as the framework would
        refusal = problem_of(error, scope["app"].state.outages, scope["path"])
        await way.refuse(refusal)(scope, receive, send)
    else:
        if answered is None:
            return
        response_headers, answer = answered
        response_headers.append((b"content-length", b"%d" % len(answer)))
        await send({"type": "http.response.start", "status": 200, "headers": response_headers})
        await send({"type": "http.response.body", "body": answer})


async def _answer(
    way: Way, state: Any, project: str, headers: RequestHeaders, receive: Receive
) -> Answer | None:
    """Return the answer to a call and its headers; None when the client has left in its middle."""
    services: Services = state.services
    # A refusal must cost little, or refusing is itself the load: so it comes before all else.
    services.predictor.admit(project)
    # The token is verified before the body is read.
    caller = state.verifier.verify_header(headers.get(b"authorization", b"").decode("latin-1"))
    require(caller, _ROLES, project)
    body = await _body(receive)
    if body is None:
        return None
    left = partial(disconnected, receive)
    response_headers, answer = await way.answer(Call(state, project, caller, headers, body, left))
    limits = services.predictor.limit_headers(project, caller)
    response_headers += [(name.lower().encode(), one.encode()) for name, one in limits.items()]
    return response_headers, answer


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body; None when the client has left."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return None if message["type"] == "http.disconnect" else body
