"""Leases and verdicts, nearly all of the traffic, answered without FastAPI.

Takes the well-formed calls of two paths and does the same as the routes that document them. Any
other request goes on to FastAPI, which also says what is wrong with it.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeVar

import structlog
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.review_queue.lifecycle.claims import ClaimService
from services.review_queue.lifecycle.moves import MoveService
from shared.auth import Principal, Role, require
from shared.contracts.base import PROJECT_PATTERN
from shared.contracts.tasks import LeaseRequest, VerdictBody
from shared.http.access import gone_of
from shared.http.body import parse_json, replay
from shared.http.context import ROUTE
from shared.http.outages import problem_of
from shared.problems import Problem, note

log = structlog.get_logger()

Work = Callable[[], Awaitable[BaseModel]]
Body = TypeVar("Body", bound=BaseModel)

_ROLES: frozenset[Role] = frozenset({"reviewer", "operator"})
_PROJECT = re.compile(PROJECT_PATTERN)
_JSON = b"application/json"


class Front:
    """ASGI application that answers leases and verdicts, and passes all else to `app`."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self.app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        way = self._way(scope)
        if way is None:
            await self.app(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return
        work = await way.work(Request(scope, receive), body)
        if work is None:
            await self.app(scope, replay(body, receive), send)
            return
        scope[ROUTE] = way.route
        await _answer(work, scope, receive, send)

    def _way(self, scope: Scope) -> "_Way | None":
        """Return how to answer a request whose head is valid; None for any other."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        found = _found(scope["path"])
        if found is None:
            return None
        # The first of a name counts, as for the framework.
        headers = dict(reversed(scope["headers"]))
        length = headers.get(b"content-length", b"")
        bounded = length.isdigit() and 0 < int(length) <= self._limit_bytes
        if not bounded or headers.get(b"content-type") != _JSON:
            return None
        kind, word = found
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        try:
            # The caller is known before the body is read.
            who = scope["app"].state.verifier.verify_header(authorization)
            require(who, _ROLES, word if kind is _Lease else None)
        except Problem:
            return None
        return kind(word, who)


@dataclass(frozen=True)
class _Way:
    """A call by its head: the word in its path, and who calls."""

    route: ClassVar[str]
    prefix: ClassVar[str]
    suffix: ClassVar[str]

    word: str
    who: Principal

    async def work(self, request: Request, body: bytes) -> Work | None:
        """Return the use case to run; None when the body is not valid."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Lease(_Way):
    route = "/v1/projects/{project}/leases"
    prefix, suffix = "/v1/projects/", "/leases"

    async def work(self, request: Request, body: bytes) -> Work | None:
        asked = _read(LeaseRequest, body)
        if asked is None or not _PROJECT.fullmatch(self.word):
            return None
        gone = await gone_of(request)
        claims: ClaimService = request.app.state.services[ClaimService]
        return partial(claims.lease, self.word, self.who.subject, asked, gone)


@dataclass(frozen=True)
class _Verdict(_Way):
    route = "/v1/leases/{token}/verdict"
    prefix, suffix = "/v1/leases/", "/verdict"

    async def work(self, request: Request, body: bytes) -> Work | None:
        given = _read(VerdictBody, body)
        if given is None:
            return None
        moves: MoveService = request.app.state.services[MoveService]
        return partial(moves.submit, self.word, given, self.who)


def _found(path: str) -> tuple[type[_Way], str] | None:
    for kind in (_Lease, _Verdict):
        if path.startswith(kind.prefix) and path.endswith(kind.suffix):
            word = path[len(kind.prefix) : -len(kind.suffix)]
            return (kind, word) if word and "/" not in word else None
    return None


def _read(kind: type[Body], body: bytes) -> Body | None:
    try:
        return kind.model_validate(parse_json(body))
    except (Problem, ValidationError):
        return None


async def _whole(receive: Receive) -> bytes | None:
    """Return the whole body; None when the client has left."""
    message: Message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return None if message["type"] == "http.disconnect" else body


async def _answer(work: Work, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        answer = (await work()).model_dump_json().encode()
    except Problem as problem:
        note(problem)
        await problem.response()(scope, receive, send)
    except Exception as error:  # noqa: BLE001 - answered as the framework would
        refusal = problem_of(error, scope["app"].state.outages, scope["path"])
        await refusal.response()(scope, receive, send)
    else:
        headers = [(b"content-type", _JSON), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
