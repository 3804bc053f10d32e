"""Request bodies: bounded in size, and strict JSON or a problem that names the fault's place."""

import json
import math
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth import principal_of
from shared.contracts.base import FAULTS_SHOWN, is_unicode
from shared.contracts.items import escape_pointer
from shared.http.openapi import problems_of
from shared.problems import (
    BodyTooLarge,
    Forbidden,
    NotJson,
    Problem,
    Unauthorized,
    Unprocessable,
    declare,
)

# Of a body that comes without a token.
OPEN_LIMIT_BYTES = 4096
_FAULTS_TOLD = 10
# Many more than a full call has; others wait while we search.
_VALUES_SEARCHED = 200_000
# A key may be as long as the body: a pointer is cut off after so many characters.
_POINTER_SHOWN = 300
# JSON that comes in nests at most so deep. Data nests less deep (`shared.contracts.items`): that
# leaves room for the messages that carry it on. Encoders stop at 254 levels.
MAX_JSON_DEPTH = 128
_TOO_DEEP = f"must not be nested more than {MAX_JSON_DEPTH} deep"
# A client that is still sending sees a reset instead of the 413, so we read on, but not for ever.
_DRAIN_LIMIT_BYTES = 64 * 1024 * 1024


class BodyLimit:
    """ASGI middleware: answers 413 to a body of more than `limit_bytes`.

    No body is held in memory here: routes know their caller before they read it.
    `larger` has the limits of paths that match a pattern, whose routes read bodies as they come.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, larger: Mapping[str, int]) -> None:
        self.app = app
        self.limit_bytes = limit_bytes
        self.larger = {re.compile(path): limit for path, limit in larger.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a body on as it comes, up to its limit; one declared larger not at all."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"")
        larger = (most for path, most in self.larger.items() if path.fullmatch(scope["path"]))
        limit = next(larger, self.limit_bytes)
        if declared.isdigit() and int(declared) > limit:
            # A client that asks first has sent nothing yet, and is told now.
            if headers.get(b"expect", b"").lower() != b"100-continue":
                await _drain(receive)
            await BodyTooLarge(limit).response()(scope, receive, send)
        elif declared.isdigit() or (not declared and b"transfer-encoding" not in headers):
            await self.app(scope, receive, send)
        else:
            await self.app(scope, _counted(receive, limit), send)


async def _drain(receive: Receive) -> None:
    total = 0
    while total <= _DRAIN_LIMIT_BYTES:
        message = await receive()
        total += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _counted(receive: Receive, limit: int) -> Receive:
    """Hand a body on as it comes, and raise `BodyTooLarge` where it passes its limit."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            if message.get("more_body", False):
                await _drain(receive)
            raise BodyTooLarge(limit)
        return message

    return counted


class StrictRoute(APIRoute):
    """A route that knows its caller before it reads a body, and whose JSON is strict.

    It declares by itself what its caller and its parameters may be refused for; `responses` name
    what else it answers.
    """

    caller_problems: tuple[type[Problem], ...] = (Unauthorized, Forbidden)

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.responses = declare(*self.caller_problems, *problems_of(self)) | self.responses

    async def admit(self, request: Request) -> None:
        """Raise `Unauthorized` unless the caller has a token."""
        principal_of(request)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler: authenticate, parse strictly, then go on."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            await self.admit(request)
            is_not_json = False
            if self.body_field is not None:
                # Read here in any case: FastAPI would take one that is too large for a bad one.
                body = await request.body()
                if _is_json(request):
                    # Starlette keeps the parsed body here; FastAPI then finds ours.
                    request._json = parse_json(body)
                else:
                    is_not_json = bool(body)
            try:
                return await handle(request)
            except RequestValidationError as error:
                if is_not_json:
                    raise _not_json(request) from error
                raise

        return strict


class OpenRoute(StrictRoute):
    """A route for clients without a token. Its body is small: it is read from any client."""

    caller_problems = ()

    async def admit(self, request: Request) -> None:
        """Read the body; `BodyTooLarge` past 4 KiB."""
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > OPEN_LIMIT_BYTES:
                raise BodyTooLarge(OPEN_LIMIT_BYTES)
        # Starlette keeps the body here, and gives it to those who read it later.
        request._body = bytes(body)


def _not_json(request: Request) -> Unprocessable:
    """Return the refusal of a body that does not say that it is JSON."""
    given = request.headers.get("content-type")
    came = "without a Content-Type" if given is None else f"with `Content-Type: {given}`"
    return Unprocessable(
        [("", f"send the body with `Content-Type: application/json`; came {came}")]
    )


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def parse_json(body: bytes) -> Any:
    """Parse strict JSON: no NaN, no Infinity, no lone surrogate, at most 128 levels.

    Raises `NotJson`: 400; `detail` says where the text stops being JSON; `Unprocessable`: 422; NaN,
    Infinity, a lone surrogate or too deep a level, each at its pointer. 400 where none is found
    among so many values.
    """
    try:
        return _read(body)
    except ValueError as error:
        raise _refusal(body) from error


def parse_json_part(text: bytes | str, at: str = "") -> Any:
    """Parse strict JSON that is a part of a file or a message: a line, a cell, a row of a tensor.

    Raises `ValueError`: the message names the faults by their pointers, below the pointer `at`.
    """
    try:
        return parse_json(text.encode() if isinstance(text, str) else text)
    except NotJson as error:
        raise ValueError(f"{at}: is not JSON" if at else "is not JSON") from error
    except Unprocessable as error:
        faults = error.extensions["errors"][:_FAULTS_TOLD]
        told = [f"{at}{fault['pointer']}: {fault['detail']}" for fault in faults]
        raise ValueError("; ".join(told)) from error


def _read(body: bytes) -> Any:
    document = orjson.loads(body)
    # With fewer brackets a document cannot be too deep: most need no second look.
    is_many = body.count(b"[") + body.count(b"{") > MAX_JSON_DEPTH
    if is_many and not _is_shallow(document):
        raise ValueError(_TOO_DEEP)
    return document


def _is_shallow(document: Any) -> bool:
    """Say whether lists and objects are nested at most `MAX_JSON_DEPTH` deep."""
    level: list[Any] = [[document]]
    for _ in range(MAX_JSON_DEPTH + 1):
        level = [
            value
            for one in level
            for value in (one.values() if type(one) is dict else one)
            if type(value) is dict or type(value) is list
        ]
        if not level:
            return True
    return False


def _refusal(body: bytes) -> NotJson | Unprocessable:
    faults = list(islice(_non_standard(body), FAULTS_SHOWN))
    if faults:
        return Unprocessable(faults)
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return NotJson(f"Send JSON; {error}")
    return Unprocessable([("", _TOO_DEEP)])


def _non_standard(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield the faults, each at its pointer, in the order of the text."""
    try:
        document = _lenient(body)
    except RecursionError:
        yield "", _TOO_DEEP
        return
    except ValueError:
        return
    for keys, value in islice(_values(document), _VALUES_SEARCHED):
        if isinstance(value, dict) and not all(map(is_unicode, value)):
            yield _pointer(keys), "has a key with a lone surrogate"
        elif isinstance(value, float) and not math.isfinite(value):
            yield _pointer(keys), "must be a finite number"
        elif isinstance(value, str) and not is_unicode(value):
            yield _pointer(keys), "must not contain a lone surrogate"
        elif isinstance(value, dict | list) and len(keys) == MAX_JSON_DEPTH + 1:
            yield _pointer(keys), _TOO_DEEP


def _lenient(body: bytes) -> Any:
    """Parse JSON that may hold NaN; `ValueError`: it is none, `RecursionError`: it is too deep."""
    try:
        return json.loads(body)
    except RecursionError as error:
        # orjson reads deeper than Python's own reader may, where nothing else is wrong.
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise error from None


def _values(document: Any) -> Iterator[tuple[Sequence[str | int], Any]]:
    """Yield each value below its keys, which hold until the next; the document's own key first."""
    # A stack of our own: some versions of Python read deeper texts than its functions may nest.
    levels: list[Iterator[tuple[str | int, Any]]] = [iter([("", document)])]
    keys: list[str | int] = [""]
    while levels:
        for key, value in levels[-1]:
            keys[-1] = key
            yield keys, value
            if isinstance(value, dict | list):
                levels.append(iter(value.items() if isinstance(value, dict) else enumerate(value)))
                keys.append("")
                break
        else:
            levels.pop()
            keys.pop()


def _pointer(keys: Sequence[str | int]) -> str:
    """Return the pointer to the last key; with "…" where it is cut off."""
    shown = ""
    for key in islice(keys, 1, None):
        safe = str(key)[:_POINTER_SHOWN].encode("utf-8", "replace").decode()
        shown += f"/{escape_pointer(safe)}"
        if len(shown) > _POINTER_SHOWN:
            return f"{shown[:_POINTER_SHOWN]}…"
    return shown
