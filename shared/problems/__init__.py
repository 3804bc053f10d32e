"""Problem documents (RFC 9457): the one way in which a service says no.

Problem
├── NotJson 400          ├── RequestTimeout 408      ├── Unprocessable 422
├── MalformedRequest 400 ├── Conflict 409            ├── TooManyRequests 429
├── Unauthorized 401     ├── Gone 410                ├── HeadersTooLarge 431
├── Forbidden 403        └── BodyTooLarge 413        └── Unavailable 503
└── NotFound 404
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, ClassVar

import orjson
from fastapi import Response

from shared.contracts.base import FAULTS_SHOWN
from shared.problems.faults import fault_document, first_of

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:surehand:problem:"


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """A refusal that a client can act on.

    `kind` names the type (docs/reference/problems.md lists all), `title` never varies, `detail`
    tells the client what to do (`advice` where none is given), `extensions` are what its code
    reads. Each is `logged`, but for those that come in thousands: metrics count them. One that
    `closes` ends the connection: what follows on it cannot be told from the rest of the request.
    """

    kind: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    status: ClassVar[int] = 500
    logged: ClassVar[bool] = True
    closes: ClassVar[bool] = False
    advice: ClassVar[str] = ""

    def __init__(
        self, detail: str = "", *, headers: Mapping[str, str] | None = None, **extensions: Any
    ) -> None:
        self.detail = detail or self.advice
        super().__init__(self.detail)
        self.headers = dict(headers or {})
        if self.closes:
            self.headers["Connection"] = "close"
        self.extensions = extensions

    def document(self) -> dict[str, Any]:
        """Return the problem's JSON object."""
        return {
            "type": TYPE_PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extensions,
        }

    def response(self) -> Response:
        """Return the problem as a response."""
        return Response(to_json(self.document()), self.status, self.headers, media_type=MEDIA_TYPE)


class NotJson(Problem):
    """The body is not JSON."""

    kind, title, status = "not-json", "Body is not JSON", 400


class MalformedRequest(Problem):
    """What came is not an HTTP request."""

    kind, title, status, closes = "malformed-request", "Not an HTTP request", 400, True
    advice = "Send HTTP/1.1: what came breaks its rules, so nothing after it is read."


class Unauthorized(Problem):
    """There is no token, or one that does not hold."""

    kind, title, status = "unauthorized", "No valid token", 401

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="surehand"'})


class Forbidden(Problem):
    """The token holds, but not for this role or project."""

    kind, title, status = "forbidden", "Wrong role or project", 403


class NotFound(Problem):
    """There is no such thing."""

    kind, title, status = "not-found", "Not found", 404


class RequestTimeout(Problem):
    """The request did not come as a whole in time."""

    kind, title, status, closes = "request-timeout", "Request not complete in time", 408, True

    def __init__(self, seconds: float) -> None:
        awaited = f"what was awaited did not come within {seconds:g} s."
        super().__init__(f"Send the request faster: {awaited}")


class Conflict(Problem):
    """The state of things does not allow it."""

    kind, title, status = "conflict", "State conflict", 409


class ProjectArchived(Conflict):
    """The project is archived: nothing new is taken, and nothing in it changes."""

    kind, title = "project-archived", "Project is archived"
    advice = "The project is read-only; an operator may unarchive it at the review queue."

    def __init__(self, project: str) -> None:
        super().__init__(project=project)


class Gone(Problem):
    """There was such a thing, and there never will be again."""

    kind, title, status = "gone", "Gone", 410


class BodyTooLarge(Problem):
    """The body is larger than the service reads."""

    kind, title, status, closes = "body-too-large", "Body too large", 413, True

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"Send at most {limit_bytes} bytes at a time.", limit_bytes=limit_bytes)


class Unprocessable(Problem):
    """The payload is JSON, but not what the contract says.

    Lists the first hundred of `errors`, (JSON pointer, fault) each, long ones cut off with "…".
    `detail` is the first of them where none is given.
    """

    kind, title, status = "unprocessable", "Payload does not match the contract", 422

    def __init__(
        self,
        errors: Iterable[tuple[str, str]],
        detail: str = "",
    ) -> None:
        listed = [fault_document(pointer, fault) for pointer, fault in islice(errors, FAULTS_SHOWN)]
        super().__init__(detail or first_of(listed), errors=listed)


class TooManyRequests(Problem):
    """More calls than this token may make."""

    kind, title, status = "too-many-requests", "Too many requests", 429
    logged = False


class HeadersTooLarge(Problem):
    """The headers are larger than the service reads."""

    kind, title, status, closes = "headers-too-large", "Headers too large", 431, True

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"Send at most {limit_bytes} bytes of headers.", limit_bytes=limit_bytes)


class Unavailable(Problem):
    """Something that is needed is away; try again."""

    kind, title, status = "unavailable", "Temporarily unavailable", 503
    retry_after_seconds: ClassVar[int] = 1

    def __init__(self, detail: str = "", *, retry_after_seconds: int | None = None) -> None:
        seconds = retry_after_seconds or self.retry_after_seconds
        super().__init__(detail, headers={"Retry-After": str(seconds)})


def to_json(document: Mapping[str, Any]) -> bytes:
    r"""Return a problem's JSON; text that is not Unicode is spelt out (`\udcff`), never refused."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return orjson.dumps(_spelt(document))


def _spelt(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case Mapping():
            return {_spelt(key): _spelt(one) for key, one in value.items()}
        case list() | tuple():
            return [_spelt(one) for one in value]
        case _:
            return value


def declare(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` for the problems of a route.

    A body that can be too large can also be too slow: connections see to both.
    """
    if BodyTooLarge in problems:
        problems = (*problems, RequestTimeout)
    schema = {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
    }
    by_status: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        title = by_status.get(problem.status, {}).get("description")
        by_status[problem.status] = {
            "description": f"{title}; {problem.title}" if title else problem.title,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
    return by_status
