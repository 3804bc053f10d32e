"""Routes that the desk's scripts call: refusals are the services' problems, as JSON."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from services.console.web.cards import FOREIGN_WORDS, away_words
from services.console.web.security import guarded
from services.console.web.visit import SignInNeeded
from surehand import ProblemError, Unavailable

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ScriptRoute(APIRoute):
    """A route for scripts of this site's own pages."""

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            if not request.app.state.site.is_own(request):
                words = f"This request {FOREIGN_WORDS}"
                return guarded(problem(403, "Not a request of this site", words))
            try:
                response = await handle(request)
            except SignInNeeded:
                response = problem(401, "No session", "The session has ended; sign in again.")
            except Unavailable as error:
                response = problem(503, "A service is away", away_words(error))
            except ProblemError as error:
                response = _json(error.status, error.members)
            return guarded(response)

        return answered


def problem(status: int, title: str, detail: str) -> Response:
    """Return a problem of the desk itself."""
    return _json(status, {"type": "about:blank", "title": title, "detail": detail})


def _json(status: int, members: Any) -> Response:
    members = {**members, "status": status}
    return JSONResponse(members, status, media_type="application/problem+json")
