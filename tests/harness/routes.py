"""Routes of FastAPI, compiled once in a process.

FastAPI compiles the routes of a router anew for each application that includes it, at its first
request: a tenth of a second for a review queue, where nearly every test has one. Here applications
that include a router alike share its compiled routes.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from fastapi import routing
from fastapi.routing import APIRoute

_KEPT = "_surehand_compiled"
# FastAPI may rename or drop it in any release: then nothing is shared, and tests take longer.
_CONTEXT: Any = getattr(routing, "_EffectiveRouteContext", None)


def share_compiled_routes() -> None:
    """Let each application that is created from now on share compiled routes."""
    compile_route = getattr(_CONTEXT, "from_api_route", None)
    if compile_route is not None:
        _CONTEXT.from_api_route = _sharing(compile_route)


def _sharing(compile_route: Callable[..., Any]) -> Callable[..., Any]:
    def shared(*, original_route: APIRoute, include_context: Any) -> Any:
        # Of what an application gives, routes keep itself, for overrides of dependencies alone.
        included = dataclasses.replace(include_context, dependency_overrides_provider=None)
        kept: list[tuple[Any, Any]] = vars(original_route).setdefault(_KEPT, [])
        for same, compiled in kept:
            if same == included:
                return compiled
        compiled = compile_route(original_route=original_route, include_context=included)
        kept.append((included, compiled))
        return compiled

    return shared
