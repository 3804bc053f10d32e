"""Answer the well-formed calls of a few paths without FastAPI: nearly all traffic.

The same use case as in the route that documents the path. A request without a plain length, or
with headers that its way does not take, goes on to FastAPI.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.auth import Principal, Role, require
from shared.http.outages import problem_of
from shared.problems import Problem
from shared.problems.handlers import note
from shared.telemetry import ROUTE

RequestHeaders = Mapping[bytes, bytes]
Answer = tuple[list[tuple[bytes, bytes]], bytes]

JSON = b"application/json"


class Call(NamedTuple):
    """One request as a way gets it, its body read; `word` is what stands in the path's gap."""

    state: Any
    word: str
    caller: Principal
    headers: RequestHeaders
    body: bytes
    scope: Scope
    receive: Receive


def is_json(word: str, headers: RequestHeaders) -> bool:  # noqa: ARG001 - what a way takes
    """Say whether the head of a request announces JSON."""
    media_type = headers.get(b"content-type", b"")
    return media_type == JSON or media_type.partition(b";")[0].strip().lower() == JSON


@dataclass(frozen=True, slots=True)
class Way:
    """One kind of call: POST to `route`, the path of the route that documents it, with one gap.

    A gap named ``{project}`` is a project that the token must be for. `takes` says whether a
    request of such a word and head is met here; `admit` refuses an overload before all else;
    `refuse` writes what `answer` raises.
    """

    route: str
    roles: frozenset[Role]
    answer: Callable[[Call], Awaitable[Answer]]
    takes: Callable[[str, RequestHeaders], bool] = is_json
    admit: Callable[[Any, str], None] | None = None
    refuse: Callable[[Problem], Response] = Problem.response


class Front:
    """ASGI application that answers what goes one of its `ways`, and passes all else to `app`."""

    def __init__(self, app: ASGIApp, ways: Sequence[Way], limit_bytes: int) -> None:
        self.app = app
        self._ways = [
            (way, way.route.partition("{")[0], way.route.partition("}")[2]) for way in ways
        ]
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "POST":
            path: str = scope["path"]
            for way, prefix, suffix in self._ways:
                if not path.startswith(prefix) or not path.endswith(suffix):
                    continue
                word = path[len(prefix) : -len(suffix)]
                # The first of a name counts, as for the framework.
                headers = dict(reversed(scope["headers"]))
                length = headers.get(b"content-length", b"")
                bounded = length.isdigit() and int(length) <= self._limit_bytes
                if word and "/" not in word and bounded and way.takes(word, headers):
                    scope[ROUTE] = way.route
                    await _serve(way, word, headers, scope, receive, send)
                    return
        await self.app(scope, receive, send)


async def _serve(
    way: Way, word: str, headers: RequestHeaders, scope: Scope, receive: Receive, send: Send
) -> None:
    state = scope["app"].state
    try:
        if way.admit is not None:
            # A refusal must cost little, or refusing is itself the load: so it comes before all
            # else.
            way.admit(state, word)
        # The token is verified before the body is read.
        token = headers.get(b"authorization", b"").decode("latin-1")
        caller = state.verifier.verify_header(token)
        require(caller, way.roles, word if "{project}" in way.route else None)
        body = await _read(receive)
        call = Call(state, word, caller, headers, body, scope, receive)
        response_headers, answer = await way.answer(call)
    except Problem as problem:
        note(problem, scope)
        await way.refuse(problem)(scope, receive, send)
    except ClientDisconnect:
        return
    except Exception as error:  # noqa: BLE001 - answered as the framework would
        refusal = problem_of(error, state.outages, scope)
        await way.refuse(refusal)(scope, receive, send)
    else:
        response_headers.append((b"content-length", b"%d" % len(answer)))
        await send({"type": "http.response.start", "status": 200, "headers": response_headers})
        await send({"type": "http.response.body", "body": answer})


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return body
