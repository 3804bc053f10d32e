"""Answer the well-formed calls of a few paths without FastAPI: nearly all traffic.

The same use case as in the route that documents the path. The connection (`shared.http.direct`)
hands over whole requests; one that no way takes goes on to FastAPI.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from shared.auth import Principal, Role, require
from shared.http.context import RequestSeries, begin_request
from shared.http.outages import problem_of
from shared.http.waiting import Client
from shared.problems import Problem
from shared.problems.handlers import note
from shared.telemetry import ROUTE

Headers = Sequence[tuple[bytes, bytes]]
RequestHeaders = Mapping[bytes, bytes]
Answer = tuple[list[tuple[bytes, bytes]], bytes]

JSON = b"application/json"
_OK = 200
# With what they are parsed into some 10 MB at most.
_REMEMBERED, _LONGEST_REMEMBERED, _MOST_FIELDS = 1_000, 2_048, 50


class Call(NamedTuple):
    """One request as a way gets it, its body read; `word` is what stands in the path's gap.

    `left` returns once the client has left.
    """

    state: Any
    word: str
    caller: Principal
    headers: RequestHeaders
    body: bytes
    client: Client
    left: Callable[[], Coroutine[Any, Any, None]]


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


class Head(NamedTuple):
    """The head of a request that `way` takes; `length` is that of its body, in bytes."""

    way: Way
    word: str
    fields: Headers
    headers: RequestHeaders
    length: int


class Whole(NamedTuple):
    """A response of which nothing is missing; `headers` say its length."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Front:
    """Answers what goes one of its `ways`; `state` is that of the application."""

    def __init__(self, ways: Sequence[Way], limit_bytes: int, state: Any, service: str) -> None:
        self._ways = []
        for way in ways:
            prefix, _, rest = way.route.encode().partition(b"{")
            self._ways.append((way, prefix, rest.partition(b"}")[2]))
        self._limit_bytes = limit_bytes
        self._state = state
        self._series = RequestSeries(service)
        self._heads: dict[bytes, Head] = {}

    def known(self, raw: bytes) -> Head | None:
        """Return the head that these very bytes were before."""
        return self._heads.get(raw)

    def learn(self, raw: bytes, head: Head) -> None:
        """Remember `head`, unless it is long: clients send the same bytes again and again."""
        if len(raw) > _LONGEST_REMEMBERED or len(head.fields) > _MOST_FIELDS:
            return
        if len(self._heads) >= _REMEMBERED:
            self._heads.clear()
        self._heads[raw] = head

    def find(self, url: bytes, fields: Headers) -> Head | None:
        """Return the head of a POST that one of the ways takes; None for any other."""
        for way, prefix, suffix in self._ways:
            if not url.startswith(prefix) or not url.endswith(suffix):
                continue
            name = url[len(prefix) : -len(suffix)]
            # What is percent-encoded, or has a query, is the framework's.
            if not name or not name.isascii() or any(mark in name for mark in b"/%?#"):
                return None
            # The first of a name counts, as for the framework.
            headers = dict(reversed(fields))
            length, word = headers.get(b"content-length", b""), name.decode()
            bounded = length.isdigit() and int(length) <= self._limit_bytes
            if not bounded or not way.takes(word, headers):
                return None
            return Head(way, word, fields, headers, int(length))
        return None

    def admit(self, head: Head) -> Principal | Exception:
        """Return the caller, before the body is read; why not, if the request is refused."""
        way, word = head.way, head.word
        try:
            if way.admit is not None:
                # A refusal must cost little, or refusing is itself the load: so it comes before
                # all else.
                way.admit(self._state, word)
            token = head.headers.get(b"authorization", b"").decode("latin-1")
            caller: Principal = self._state.verifier.verify_header(token)
            require(caller, way.roles, word if "{project}" in way.route else None)
        except Exception as error:  # noqa: BLE001 - `answer` says it
            return error
        return caller

    async def answer(
        self,
        head: Head,
        admitted: Principal | Exception,
        body: bytes,
        client: Client,
        left: Callable[[], Coroutine[Any, Any, None]],
    ) -> Whole | None:
        """Answer a request, as `admit` has admitted it; None when its client has left."""
        name = begin_request(head.fields, client)
        try:
            if isinstance(admitted, Exception):
                raise admitted  # noqa: TRY301 - one place answers refusals
            call = Call(self._state, head.word, admitted, head.headers, body, client, left)
            headers, content = await head.way.answer(call)
            headers.append((b"content-length", b"%d" % len(content)))
            found = Whole(_OK, headers, content)
        except Problem as problem:
            note(problem, _scope_of(head))
            found = whole(head.way.refuse(problem))
        except ClientDisconnect:
            return None
        except Exception as error:  # noqa: BLE001 - answered as the framework would
            refusal = problem_of(error, self._state.outages, _scope_of(head))
            found = whole(head.way.refuse(refusal))
        found.headers.append((b"x-request-id", name))
        return found

    def count(self, head: Head, answer: Whole, started: float) -> None:
        """Count an answer to a request that came at `started`, by `perf_counter`."""
        self._series.observe("POST", head.way.route, answer.status, started)


def _scope_of(head: Head) -> dict[str, Any]:
    return {"method": "POST", ROUTE: head.way.route}


def whole(response: Response) -> Whole:
    """Return a response that is not streamed."""
    return Whole(response.status_code, response.raw_headers, bytes(response.body))
