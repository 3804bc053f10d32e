"""Routes of FastAPI, compiled once in a process.

FastAPI compiles the routes of a router anew for each application that includes it, at its first
request: a tenth of a second for a review queue, where nearly every test has one. Here applications
that include a router alike share its compiled routes.
"""

import dataclasses
from typing import Any

from fastapi.routing import APIRoute, _EffectiveRouteContext, _RouterIncludeContext

_KEPT = "_surehand_compiled"
_compile = _EffectiveRouteContext.from_api_route


def share_compiled_routes() -> None:
    """Let each application that is created from now on share compiled routes."""
    _EffectiveRouteContext.from_api_route = _shared  # type: ignore[method-assign]


def _shared(
    *, original_route: APIRoute, include_context: _RouterIncludeContext
) -> _EffectiveRouteContext:
    # Of what an application gives, routes keep itself, for overrides of dependencies alone.
    included = dataclasses.replace(include_context, dependency_overrides_provider=None)
    kept: list[tuple[Any, _EffectiveRouteContext]] = vars(original_route).setdefault(_KEPT, [])
    for same, compiled in kept:
        if same == included:
            return compiled
    compiled = _compile(original_route=original_route, include_context=included)
    kept.append((included, compiled))
    return compiled
