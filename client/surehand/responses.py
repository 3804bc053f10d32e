"""What a response says: its JSON, or the error that it stands for."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from pydantic import ValidationError

from surehand.errors import ProblemError, ServerError, problem_class
from surehand.hints import doubt_of
from surehand.retries import retry_after_of

_TEXT_SHOWN = 300
# Not found, or not with this method.
_UNKNOWN_PATH = (404, 405)


def error_of(response: httpx.Response, service: str) -> ProblemError:
    """Return the error of a response, which has been read, whose status is not 2xx."""
    members = _members(response, service)
    kind = str(members.get("type", "")).rpartition(":")[2]
    return problem_class(response.status_code, kind)(
        members,
        response.status_code,
        service,
        response.headers.get("X-Request-Id"),
        retry_after_of(response.headers),
    )


def json_of(response: httpx.Response, service: str) -> Any:
    """Return the body of a response as JSON; None if it has none.

    Raises
    ------
    ServerError
        The body is not JSON: the address may be that of something else than Surehand.
    """
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        members = {
            "title": "The body is not JSON",
            "detail": doubt_of(response.url, service),
        }
        raise ServerError(members, response.status_code, service) from error


@contextlib.contextmanager
def understood(service: str) -> Iterator[None]:
    """Turn the error of a body that is not as its model says into a `ServerError`."""
    try:
        yield
    except (ValidationError, KeyError, TypeError) as error:
        members = {"title": "The answer is not as expected", "detail": str(error)}
        raise ServerError(members, 200, service) from error


def _members(response: httpx.Response, service: str) -> Mapping[str, Any]:
    """Return the problem document; made of status and text where a proxy answered without one."""
    try:
        document = json.loads(response.content)
    except ValueError:
        document = None
    if isinstance(document, dict) and "title" in document:
        return document
    text = response.text.strip()
    shown = text if len(text) <= _TEXT_SHOWN else text[:_TEXT_SHOWN] + "…"
    if response.status_code in _UNKNOWN_PATH:
        shown = f"{doubt_of(response.url, service)} {shown}".strip()
    return {"title": response.reason_phrase or f"HTTP {response.status_code}", "detail": shown}
