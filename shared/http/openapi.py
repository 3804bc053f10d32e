"""A service's description of itself, corrected where FastAPI would say what is not so."""

from collections.abc import Iterator
from typing import Any

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Path
from fastapi.routing import APIRoute

from shared.problems import (
    BodyTooLarge,
    NotFound,
    NotJson,
    Problem,
    Unavailable,
    Unprocessable,
    declare,
)

_SCHEME = "token"
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of `python -m services token`; its role says what it may do.",
}
_UNAVAILABLE = declare(Unavailable)[Unavailable.status]
_NOT_OURS = ("HTTPValidationError", "ValidationError")


def problems_of(route: APIRoute) -> Iterator[type[Problem]]:
    """Give what a route refuses for its parameters and its body.

    Any text will do for some parameters: in a path it names something that may not be there.
    """
    given = [one.field_info for one in get_flat_params(route.dependant)]
    texts = [one for one in given if one.annotation in (str, str | None) and not one.metadata]
    names = [one for one in texts if isinstance(one, Path)]
    if names:
        yield NotFound
    if route.body_field is not None:
        yield from (NotJson, BodyTooLarge)
    unchecked = len(names) + sum(not one.is_required() for one in texts)
    if route.body_field is not None or len(given) > unchecked:
        yield Unprocessable


def corrected(document: dict[str, Any]) -> dict[str, Any]:
    """Let a service's document say which operations want a token, and how they refuse.

    FastAPI adds a 422 of a form that we never give to every operation that does not declare ours.
    """
    components = document.setdefault("components", {})
    for name in _NOT_OURS:
        components.get("schemas", {}).pop(name, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            if "application/json" in responses.get("422", {}).get("content", {}):
                del responses["422"]
            # Metrics may have a token of their own, which is none of ours.
            if "401" in responses and "health" not in operation.get("tags", ()):
                operation["security"] = [{_SCHEME: []}]
                # What any of them needs may be away.
                responses.setdefault("503", _UNAVAILABLE)
                components.setdefault("securitySchemes", {})[_SCHEME] = _BEARER
    return document
