"""A service's description of itself, corrected where FastAPI would say what is not so."""

from typing import Any

from fastapi import FastAPI

from shared.problems import Unavailable, declare

_SCHEME = "token"
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of `python -m services token`; its role says what it may do.",
}
_UNAVAILABLE = declare(Unavailable)[Unavailable.status]
_NOT_OURS = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> None:
    """Let `app` describe itself truly: which operations want a token, and how it refuses.

    FastAPI adds a 422 of a form that we never give to every operation that does not declare ours.
    """
    draw_up = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _corrected(draw_up())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _corrected(document: dict[str, Any]) -> dict[str, Any]:
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
